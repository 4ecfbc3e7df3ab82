-- What decisions know of the parties behind references: one row for each known one, closed parties too.
--
-- The columns are those of policy.subjects.PartyFacts, in their order. No personal data leaves by this door.
CREATE OR REPLACE FUNCTION {schema}.screening_facts(p_references text[])
    RETURNS TABLE (
        reference text, party_id uuid, kind text, kyc_state text, kyc_expires_at timestamptz, screening text,
        risk text, country text, segment text
    )
    LANGUAGE sql STABLE SET search_path = {schema}, pg_catalog AS $$
    SELECT p.reference, p.id, p.kind, p.kyc_state, p.kyc_expires_at, p.screening, p.risk, p.country, p.segment
      FROM screening_party p WHERE p.reference = ANY (p_references)
$$;
