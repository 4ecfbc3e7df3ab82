-- An active workspace that had an admin keeps one, whoever writes. Two statements that each take one of two admins
-- away are one after the other, by the workspace's row; each sees what was committed before it.
CREATE OR REPLACE FUNCTION {schema}.membership_keep_admin() RETURNS trigger
LANGUAGE plpgsql SET search_path = {schema}, pg_catalog AS $$
BEGIN
    PERFORM 1 FROM tenants_workspace WHERE id = OLD.workspace_id AND state = 'active' FOR NO KEY UPDATE;
    IF FOUND AND NOT EXISTS (SELECT 1 FROM tenants_membership
                              WHERE workspace_id = OLD.workspace_id AND 'admin' = ANY(role || also))
    THEN
        RAISE EXCEPTION 'workspace % would be without an admin', OLD.workspace_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'membership_keep_admin';
    END IF;
    RETURN NULL;
END
$$;
DROP TRIGGER IF EXISTS membership_keep_admin ON {schema}.tenants_membership;
CREATE TRIGGER membership_keep_admin AFTER DELETE OR UPDATE OF role, also, workspace_id ON {schema}.tenants_membership
    FOR EACH ROW WHEN ('admin' = ANY(OLD.role || OLD.also)) EXECUTE FUNCTION {schema}.membership_keep_admin();

-- A member has roles that there are, each once, and never two that must not meet (zentra/tenants/roles/conflicts.py).
CREATE OR REPLACE FUNCTION {schema}.membership_check_roles() RETURNS trigger
LANGUAGE plpgsql SET search_path = {schema}, pg_catalog AS $$
DECLARE
    v_roles text[] := NEW.role || NEW.also;
    v_mode text;
    v_found text;
BEGIN
    SELECT mode INTO v_mode FROM tenants_workspace WHERE id = NEW.workspace_id;
    SELECT r INTO v_found FROM unnest(v_roles) r
     WHERE CASE WHEN v_mode = 'platform' THEN r <> ALL(ARRAY['platform_admin', 'platform_support'])
                ELSE r <> ALL(ARRAY['operator', 'support', 'finance', 'compliance', 'admin', 'auditor', 'developer',
                                    'viewer'])
                     AND NOT EXISTS (SELECT 1 FROM tenants_role o WHERE o.workspace_id = NEW.workspace_id
                                        AND o.key = r AND o.state = 'active') END
     LIMIT 1;
    IF v_found IS NOT NULL THEN
        RAISE EXCEPTION 'there is no role % here', v_found
            USING ERRCODE = 'check_violation', CONSTRAINT = 'membership_role';
    END IF;
    IF (SELECT count(DISTINCT r) FROM unnest(v_roles) r) <> cardinality(v_roles) THEN
        RAISE EXCEPTION 'a role is given once' USING ERRCODE = 'check_violation', CONSTRAINT = 'membership_role_once';
    END IF;
    SELECT one || ' and ' || other INTO v_found FROM (VALUES
        ('finance', 'operator'), ('compliance', 'finance'), ('developer', 'finance'), ('developer', 'operator'),
        ('compliance', 'developer'), ('auditor', 'operator'), ('auditor', 'support'), ('auditor', 'finance'),
        ('auditor', 'compliance'), ('admin', 'auditor'), ('auditor', 'developer')) AS pair(one, other)
     WHERE one = ANY(v_roles) AND other = ANY(v_roles) LIMIT 1;
    IF v_found IS NOT NULL THEN
        RAISE EXCEPTION '% must not meet in one person', v_found
            USING ERRCODE = 'check_violation', CONSTRAINT = 'membership_roles_apart';
    END IF;
    RETURN NEW;
END
$$;
DROP TRIGGER IF EXISTS membership_check_roles ON {schema}.tenants_membership;
CREATE TRIGGER membership_check_roles BEFORE INSERT OR UPDATE OF role, also, workspace_id
    ON {schema}.tenants_membership FOR EACH ROW EXECUTE FUNCTION {schema}.membership_check_roles();

-- A custom role never has the key of a built-in one, keeps its key and its workspace, is not retired while somebody
-- has it, and is not deleted but with its workspace.
CREATE OR REPLACE FUNCTION {schema}.role_check() RETURNS trigger
LANGUAGE plpgsql SET search_path = {schema}, pg_catalog AS $$
BEGIN
    IF NEW.key = ANY(ARRAY['operator', 'support', 'finance', 'compliance', 'admin', 'auditor', 'developer', 'viewer',
                           'platform_admin', 'platform_support', 'staff', 'service', 'none', 'anonymous']) THEN
        RAISE EXCEPTION 'the key % is taken', NEW.key
            USING ERRCODE = 'check_violation', CONSTRAINT = 'role_key_own';
    ELSIF TG_OP = 'UPDATE' AND (NEW.key, NEW.workspace_id) IS DISTINCT FROM (OLD.key, OLD.workspace_id) THEN
        RAISE EXCEPTION 'a role keeps its key' USING ERRCODE = 'check_violation', CONSTRAINT = 'role_key_stays';
    ELSIF TG_OP = 'UPDATE' AND NEW.version <= OLD.version THEN
        RAISE EXCEPTION 'a role that changes has another version'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'role_version_rises';
    ELSIF NEW.state = 'retired' AND EXISTS (SELECT 1 FROM tenants_membership m
              WHERE m.workspace_id = NEW.workspace_id AND NEW.key = ANY(m.role || m.also)) THEN
        RAISE EXCEPTION 'members have the role %', NEW.key
            USING ERRCODE = 'check_violation', CONSTRAINT = 'role_held';
    END IF;
    RETURN NEW;
END
$$;
DROP TRIGGER IF EXISTS role_check ON {schema}.tenants_role;
CREATE TRIGGER role_check BEFORE INSERT OR UPDATE ON {schema}.tenants_role
    FOR EACH ROW EXECUTE FUNCTION {schema}.role_check();

-- What was asked for stays as it was asked for, and is decided once.
CREATE OR REPLACE FUNCTION {schema}.role_change_check() RETURNS trigger
LANGUAGE plpgsql SET search_path = {schema}, pg_catalog AS $$
BEGIN
    IF OLD.state <> 'pending' THEN
        RAISE EXCEPTION 'a proposal that ended stays as it is'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'role_change_ends_once';
    ELSIF (NEW.workspace_id, NEW.kind, NEW.user_id, NEW.roles, NEW.role_key, NEW.definition, NEW.based_on, NEW.asked_by,
           NEW.asked_at, NEW.expires_at, NEW.sole_admin)
          IS DISTINCT FROM (OLD.workspace_id, OLD.kind, OLD.user_id, OLD.roles, OLD.role_key, OLD.definition,
           OLD.based_on, OLD.asked_by, OLD.asked_at, OLD.expires_at, OLD.sole_admin) THEN
        RAISE EXCEPTION 'what was asked for stays as it was asked for'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'role_change_stays';
    END IF;
    RETURN NEW;
END
$$;
DROP TRIGGER IF EXISTS role_change_check ON {schema}.tenants_role_change;
CREATE TRIGGER role_change_check BEFORE UPDATE ON {schema}.tenants_role_change
    FOR EACH ROW EXECUTE FUNCTION {schema}.role_change_check();

-- What a role was at a version, and what was signed, is never written again.
CREATE OR REPLACE FUNCTION {schema}.role_version_stays() RETURNS trigger
LANGUAGE plpgsql SET search_path = {schema}, pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'what a role was is kept' USING ERRCODE = 'check_violation', CONSTRAINT = 'role_version_stays';
END
$$;
DROP TRIGGER IF EXISTS role_version_stays ON {schema}.tenants_role_version;
CREATE TRIGGER role_version_stays BEFORE UPDATE ON {schema}.tenants_role_version
    FOR EACH ROW EXECUTE FUNCTION {schema}.role_version_stays();

CREATE OR REPLACE FUNCTION {schema}.access_review_check() RETURNS trigger
LANGUAGE plpgsql SET search_path = {schema}, pg_catalog AS $$
BEGIN
    IF OLD.state <> 'open' OR (NEW.snapshot, NEW.sha256, NEW.started_by, NEW.started_at, NEW.workspace_id)
          IS DISTINCT FROM (OLD.snapshot, OLD.sha256, OLD.started_by, OLD.started_at, OLD.workspace_id) THEN
        RAISE EXCEPTION 'what was written down, and what was signed, stays'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'access_review_stays';
    END IF;
    RETURN NEW;
END
$$;
DROP TRIGGER IF EXISTS access_review_check ON {schema}.tenants_access_review;
CREATE TRIGGER access_review_check BEFORE UPDATE ON {schema}.tenants_access_review
    FOR EACH ROW EXECUTE FUNCTION {schema}.access_review_check();
