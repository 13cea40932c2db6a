-- What `CREATE OR REPLACE` cannot do: tables, types, and what is gone or takes other arguments.

-- generated: what else has changed
