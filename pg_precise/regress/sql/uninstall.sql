-- uninstall.sql takes all of it out of the database, but for roles.
\set ECHO none
\i uninstall.sql
\set ECHO all
SELECT count(*) FROM pg_namespace WHERE nspname = 'precise';
SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal;
SELECT count(*) FROM strict;
