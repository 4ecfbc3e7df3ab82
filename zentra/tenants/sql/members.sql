-- An active workspace that had an admin keeps one, whoever writes. Two statements that each take one of two admins
-- away are one after the other, by the workspace's row; each sees what was committed before it.
CREATE OR REPLACE FUNCTION {schema}.membership_keep_admin() RETURNS trigger
LANGUAGE plpgsql SET search_path = {schema}, pg_catalog AS $$
BEGIN
    PERFORM 1 FROM tenants_workspace WHERE id = OLD.workspace_id AND state = 'active' FOR NO KEY UPDATE;
    IF FOUND AND NOT EXISTS (SELECT 1 FROM tenants_membership WHERE workspace_id = OLD.workspace_id AND role = 'admin')
    THEN
        RAISE EXCEPTION 'workspace % would be without an admin', OLD.workspace_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'membership_keep_admin';
    END IF;
    RETURN NULL;
END
$$;
DROP TRIGGER IF EXISTS membership_keep_admin ON {schema}.tenants_membership;
CREATE TRIGGER membership_keep_admin AFTER DELETE OR UPDATE OF role, workspace_id ON {schema}.tenants_membership
    FOR EACH ROW WHEN (OLD.role = 'admin') EXECUTE FUNCTION {schema}.membership_keep_admin();
