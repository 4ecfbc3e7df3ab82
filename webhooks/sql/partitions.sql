-- The months of attempts and callbacks. Idempotent; {schema} is the quoted schema name. Bodies name no schema: each
-- function has its own constant search path.
--
-- Both tables are partitioned by recorded_at: one partition for each calendar month (UTC), and one without bounds, the
-- default, so that an insert never fails whatever its clock says. The application has no DDL: it asks these functions,
-- which run as the owner, make nothing but months and drop nothing younger than 30 days.

-- A partition that holds history refuses changes by itself: the parent's statement triggers do not fire for
-- statements that name the partition.
CREATE OR REPLACE FUNCTION {schema}.webhooks_keep(p_table text) RETURNS void
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
DECLARE
  v_enabled "char" := (SELECT tgenabled FROM pg_trigger
                        WHERE tgrelid = format('%I', p_table)::regclass AND tgname = 'webhooks_is_final');
BEGIN
  IF v_enabled IS NULL THEN
    EXECUTE format('CREATE TRIGGER webhooks_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON %I'
                   ' FOR EACH STATEMENT EXECUTE FUNCTION webhooks_refuse_change()', p_table);
  END IF;
  -- Only where it is not so already: the statement takes a lock that writers wait for.
  IF v_enabled IS DISTINCT FROM 'A' THEN
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER webhooks_is_final', p_table);
  END IF;
END
$function$;

-- The partitions of both tables with their bounds, as the catalogue has them. Bounds of the default are null.
CREATE OR REPLACE FUNCTION {schema}.webhooks_partitions()
RETURNS TABLE (parent text, name text, since timestamptz, until timestamptz)
LANGUAGE sql STABLE
SET search_path = {schema}, pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $function$
  SELECT p.relname, c.relname,
         CASE WHEN b.bounds <> 'DEFAULT' THEN coalesce(substring(b.bounds FROM $$FROM \('([^']+)'\)$$), '-infinity') END
           ::timestamptz,
         CASE WHEN b.bounds <> 'DEFAULT' THEN coalesce(substring(b.bounds FROM $$TO \('([^']+)'\)$$), 'infinity') END
           ::timestamptz
    FROM pg_class p
    JOIN pg_inherits h ON h.inhparent = p.oid
    JOIN pg_class c ON c.oid = h.inhrelid
   CROSS JOIN LATERAL (SELECT pg_get_expr(c.relpartbound, c.oid)) AS b (bounds)
   WHERE p.oid IN ('webhooks_attempt'::regclass, 'webhooks_callback'::regclass)
   ORDER BY p.relname, 3 NULLS LAST
$function$;

-- Make the partition of one month, unless there is one that covers it. Attached, not created in place: that lets
-- inserts go on.
CREATE OR REPLACE FUNCTION {schema}.webhooks_make_month(p_parent text, p_month timestamptz) RETURNS text
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
SET timezone = 'UTC'
AS $function$
DECLARE
  v_until timestamptz := p_month + interval '1 month';
  v_name text := p_parent || to_char(p_month, '_YYYYMM');
BEGIN
  IF EXISTS (SELECT FROM webhooks_partitions() w
              WHERE w.parent = p_parent AND w.since < v_until AND w.until > p_month) THEN
    RETURN NULL;
  END IF;
  EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES'
                 ' INCLUDING GENERATED INCLUDING STORAGE INCLUDING COMMENTS)', v_name, p_parent);
  PERFORM webhooks_keep(v_name);
  EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                 p_parent, v_name, p_month, v_until);
  RETURN v_name;
END
$function$;

-- Make the month of a moment and so many months after it, and give rows that came without their month a month of their
-- own. Nothing more than three months ahead of this server's clock is made: there the default takes what comes.
-- Returns the names of what was made. A table that stays locked for two seconds is left for the next time.
CREATE OR REPLACE FUNCTION {schema}.webhooks_make_partitions(p_now timestamptz, p_ahead integer) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = {schema}, pg_catalog, pg_temp
SET timezone = 'UTC'
SET lock_timeout = '2s'
AS $function$
DECLARE
  v_parent text;
  v_default text;
  v_is_astray boolean;
  v_months timestamptz[];
  v_month timestamptz;
  v_name text;
BEGIN
  FOREACH v_parent IN ARRAY ARRAY['webhooks_attempt', 'webhooks_callback'] LOOP
    v_default := v_parent || '_default';
    SELECT coalesce(array_agg(m), '{}') INTO v_months
      FROM generate_series(date_trunc('month', p_now), date_trunc('month', p_now) + p_ahead * interval '1 month',
                           interval '1 month') AS m
     WHERE m <= clock_timestamp() + interval '3 months';
    -- The default's size, not its rows: a lock on it, kept from here on, could deadlock with another maker.
    CONTINUE WHEN pg_relation_size(v_default::regclass) = 0 AND NOT EXISTS (
      SELECT FROM unnest(v_months) AS m
       WHERE NOT EXISTS (SELECT FROM webhooks_partitions() w
                          WHERE w.parent = v_parent AND w.since <= m AND w.until > m));

    -- One maker at a time; inserts and reads go on.
    EXECUTE format('LOCK TABLE %I IN SHARE UPDATE EXCLUSIVE MODE', v_parent);
    EXECUTE format('SELECT EXISTS (SELECT FROM %I)', v_default) INTO v_is_astray;
    IF v_is_astray THEN
      -- Moved by way of the parent and then dropped with their old place, since no row may be deleted.
      EXECUTE format('ALTER TABLE %I DETACH PARTITION %I', v_parent, v_default);
      EXECUTE format('SELECT $1 || coalesce(array_agg(DISTINCT date_trunc(''month'', recorded_at)), ''{}'') FROM %I',
                     v_default) INTO v_months USING v_months;
    END IF;
    FOR v_month IN SELECT DISTINCT m FROM unnest(v_months) AS m ORDER BY m LOOP
      v_name := webhooks_make_month(v_parent, v_month);
      IF v_name IS NOT NULL THEN
        RETURN NEXT v_name;
      END IF;
    END LOOP;
    IF v_is_astray THEN
      EXECUTE format('INSERT INTO %I SELECT * FROM %I', v_parent, v_default);
      EXECUTE format('DROP TABLE %I', v_default);
      PERFORM webhooks_make_default(v_parent);
    END IF;
  END LOOP;
END
$function$;

CREATE OR REPLACE FUNCTION {schema}.webhooks_make_default(p_parent text) RETURNS void
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
BEGIN
  EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES'
                 ' INCLUDING GENERATED INCLUDING STORAGE INCLUDING COMMENTS)', p_parent || '_default', p_parent);
  PERFORM webhooks_keep(p_parent || '_default');
  EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I DEFAULT', p_parent, p_parent || '_default');
END
$function$;

-- Drop the months that ended before a moment, which lies at least 30 days back by this server's own clock, whatever the
-- caller believes the time to be. Returns what was dropped and how many rows it held.
CREATE OR REPLACE FUNCTION {schema}.webhooks_drop_partitions(p_before timestamptz)
RETURNS TABLE (parent text, name text, until timestamptz, held bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = {schema}, pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $function$
BEGIN
  IF p_before IS NULL OR p_before > clock_timestamp() - interval '30 days' THEN
    RAISE EXCEPTION 'history younger than 30 days is never dropped' USING ERRCODE = 'restrict_violation';
  END IF;
  IF NOT EXISTS (SELECT FROM webhooks_partitions() w WHERE w.until <= p_before) THEN
    RETURN;
  END IF;
  -- One at a time; whoever comes second finds nothing left to drop.
  LOCK TABLE webhooks_attempt, webhooks_callback IN SHARE UPDATE EXCLUSIVE MODE;
  FOR parent, name, until IN
    SELECT w.parent, w.name, w.until FROM webhooks_partitions() w WHERE w.until <= p_before ORDER BY w.parent, w.until
  LOOP
    EXECUTE format('SELECT count(*) FROM %I', name) INTO held;
    EXECUTE format('DROP TABLE %I', name);
    RETURN NEXT;
  END LOOP;
END
$function$;
