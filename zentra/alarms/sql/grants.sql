-- The application writes alarms and messages and deletes none; only a look is forgotten. {schema} and {app} are quoted.
GRANT SELECT, INSERT, UPDATE ON
    {schema}.alarms_turn,
    {schema}.alarms_alarm,
    {schema}.alarms_channel,
    {schema}.alarms_notice
TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.alarms_look TO {app};
