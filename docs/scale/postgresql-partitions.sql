-- The events of the centre by month, for PostgreSQL 17 or newer. Run it once, with the centre stopped, after
-- `sitegate central run` has made its tables; then start the centre again:
--
--     psql --set ON_ERROR_STOP=1 --single-transaction --file postgresql-partitions.sql centre
--
-- An event keeps its time for ever, so (event_id, occurred_at) is as good a proof that it is there already as
-- event_id alone. The index of each month stays small enough for memory, and an old month goes in a
-- moment: DROP TABLE events_2025_01;

DO $$
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = 'events'::regclass) = 'p' THEN
        RAISE EXCEPTION 'events is partitioned already';
    END IF;
END $$;

ALTER TABLE events RENAME TO events_before;

-- Columns, defaults and NOT NULL as they are; the indexes with them, but for the two that need the key added.
CREATE TABLE events (LIKE events_before INCLUDING DEFAULTS) PARTITION BY RANGE (occurred_at);

ALTER SEQUENCE events_event_no_seq OWNED BY events.event_no;

-- Gives `events` a partition for the month of `of_day`, unless there is one.
CREATE FUNCTION add_events_month(of_day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first timestamptz := date_trunc('month', of_day::timestamp) AT TIME ZONE 'UTC';
    next timestamptz := (date_trunc('month', of_day::timestamp) + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
    EXECUTE format(
        'CREATE TABLE IF NOT EXISTS %I PARTITION OF events FOR VALUES FROM (%L) TO (%L)',
        'events_' || to_char(of_day, 'YYYY_MM'), first, next
    );
END $$;

-- From the oldest month that holds a noteworthy number of events to a year ahead. Call add_events_month
-- from cron or pg_cron before that year is over.
SELECT add_events_month(month::date)
FROM generate_series(
    date_trunc('month', least(
        now(),
        (SELECT min(month) FROM (
            SELECT date_trunc('month', occurred_at) AS month FROM events_before GROUP BY 1 HAVING count(*) > 1000
        ) AS months)
    )),
    now() + interval '1 year',
    interval '1 month'
) AS month;

-- Clocks that are years off: their events are kept and shown, here.
CREATE TABLE events_other_times PARTITION OF events DEFAULT;

INSERT INTO events SELECT * FROM events_before ORDER BY event_no;

-- Indexes after the rows: quicker, and of the same names as before.
DO $$
DECLARE
    definition record;
BEGIN
    FOR definition IN
        SELECT indexname, replace(indexdef, 'events_before', 'events') AS text
        FROM pg_indexes WHERE tablename = 'events_before' AND schemaname = current_schema()
            AND indexname NOT IN ('pk_events', 'uq_events_event_id')
    LOOP
        EXECUTE format('DROP INDEX %I', definition.indexname);
        EXECUTE definition.text;
    END LOOP;
END $$;

DROP TABLE events_before;

ALTER TABLE events ADD CONSTRAINT pk_events PRIMARY KEY (event_no, occurred_at);
ALTER TABLE events ADD CONSTRAINT uq_events_event_id UNIQUE (event_id, occurred_at);

ANALYZE events;
