-- Nothing of routing is ever deleted but the terms of a corridor; decisions are never changed.
GRANT SELECT, INSERT ON {schema}.routing_decision TO {app};
GRANT SELECT, INSERT, UPDATE ON {schema}.routing_rail, {schema}.routing_rail_secret, {schema}.routing_corridor,
  {schema}.routing_attempt, {schema}.routing_rail_health, {schema}.routing_outgoing_pause TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.routing_corridor_rail TO {app};
