GRANT SELECT, INSERT, UPDATE ON {schema}.recon_exception, {schema}.recon_adjustment, {schema}.recon_dispute,
    {schema}.recon_watch_position TO {app};
GRANT SELECT, INSERT ON {schema}.recon_exception_note, {schema}.recon_exception_step TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.recon_watched_intent TO {app};
