"""The tables of the local store, as numbered steps. A step that has been released is never edited."""

from __future__ import annotations

from sqlite_utils import Database, Migrations

from sync.errors import StoreTooNew

migrations = Migrations("sitegate.store")


def migrate(db: Database) -> None:
    """Bring the store to the current version; call it inside a write transaction.

    Each step is one savepoint together with its record, so that two processes which open the same
    new store at once do each step once.

    Raises:
        StoreTooNew: the store holds steps that this program does not know.
    """
    ours = {step.name for step in migrations.pending(Database(memory=True, execute_plugins=False))}
    if unknown := {step.name for step in migrations.applied(db)} - ours:
        raise StoreTooNew(
            f"the store was written by a newer Sitegate (it has {', '.join(sorted(unknown))})",
            next_step="upgrade Sitegate on this machine: pip install --upgrade sitegate",
        )
    migrations.apply(db)


@migrations(name="0001_roster")
def _roster(db: Database) -> None:
    db.execute("CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID")
    db.execute("INSERT INTO counters VALUES ('roster_version', 0), ('roster_forgotten_until', 0)")
    db.execute(
        """
        CREATE TABLE workers (
            worker_id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            status TEXT NOT NULL,
            employer TEXT NOT NULL,
            team TEXT NOT NULL,
            trade TEXT NOT NULL,
            phone TEXT NOT NULL,
            site_ids TEXT NOT NULL,         -- JSON array
            grant_from TEXT,                -- ISO 8601 with offset
            grant_until TEXT,
            clearances TEXT NOT NULL,       -- JSON array of Clearance
            face_consent_on TEXT
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE flags (
            worker_id TEXT NOT NULL REFERENCES workers ON DELETE CASCADE,
            flag_id TEXT NOT NULL,
            level TEXT NOT NULL,
            category TEXT NOT NULL,
            reason TEXT NOT NULL,
            valid_from TEXT,
            valid_until TEXT,
            PRIMARY KEY (worker_id, flag_id)
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE templates (
            template_id TEXT PRIMARY KEY,
            worker_id TEXT NOT NULL REFERENCES workers ON DELETE CASCADE,
            model TEXT NOT NULL,
            model_version TEXT NOT NULL,
            vector BLOB NOT NULL,
            quality REAL NOT NULL,
            source TEXT NOT NULL,
            created_at TEXT NOT NULL
        ) STRICT
        """
    )
    db.execute("CREATE INDEX templates_by_worker ON templates (worker_id)")
    # The latest change of each worker, kept after a removal so that a gallery learns of it.
    db.execute(
        """
        CREATE TABLE roster_changes (
            worker_id TEXT PRIMARY KEY,
            version INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX roster_changes_by_version ON roster_changes (version)")


@migrations(name="0002_events")
def _events(db: Database) -> None:
    # A counter of its own: pruned events must not give their numbers back.
    db.execute(
        """
        CREATE TABLE sequences (
            gate_id TEXT PRIMARY KEY,
            last INTEGER NOT NULL,
            pruned INTEGER NOT NULL         -- so that a missing event can be told from a pruned one
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE events (
            event_no INTEGER PRIMARY KEY,   -- order of recording, whatever the wall clock did
            event_id TEXT NOT NULL UNIQUE,
            gate_id TEXT NOT NULL,
            sequence INTEGER NOT NULL,
            lane_id TEXT NOT NULL,
            occurred_us INTEGER NOT NULL,   -- microseconds since 1970 UTC
            worker_id TEXT,
            outcome TEXT NOT NULL,
            record TEXT NOT NULL,           -- the whole Event as JSON
            UNIQUE (gate_id, sequence)
        ) STRICT
        """
    )
    db.execute("CREATE INDEX events_by_time ON events (occurred_us)")
    db.execute("CREATE INDEX events_by_worker ON events (worker_id) WHERE worker_id IS NOT NULL")
    db.execute("CREATE INDEX events_by_outcome ON events (outcome)")
    db.execute("CREATE INDEX events_by_lane ON events (lane_id)")
    db.execute(
        """
        CREATE TABLE outbox (
            item_id INTEGER PRIMARY KEY AUTOINCREMENT,
            kind TEXT NOT NULL CHECK (kind IN ('event', 'passage')),
            event_id TEXT NOT NULL REFERENCES events (event_id),
            payload TEXT NOT NULL,
            created_at TEXT NOT NULL
        ) STRICT
        """
    )
    db.execute("CREATE INDEX outbox_by_event ON outbox (event_id)")


@migrations(name="0003_state")
def _state(db: Database) -> None:
    db.execute("CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID")


@migrations(name="0004_edge")
def _edge(db: Database) -> None:
    # A row that the centre will never take waits here for a person, out of the way of the others.
    db.execute("ALTER TABLE outbox ADD COLUMN parked_reason TEXT")
    db.execute("ALTER TABLE outbox ADD COLUMN parked_at TEXT")
    db.execute("CREATE INDEX outbox_parked ON outbox (item_id) WHERE parked_reason IS NOT NULL")
    # Which workers came from the centre, and what the centre said of them.
    db.execute(
        """
        CREATE TABLE replica (
            worker_id TEXT PRIMARY KEY,
            version INTEGER NOT NULL,       -- of the centre's roster log
            digest BLOB NOT NULL            -- sync.wire.sealing.entry_digest
        ) STRICT, WITHOUT ROWID
        """
    )
    # Pages of a snapshot that is not complete yet; nothing decides by them.
    db.execute(
        """
        CREATE TABLE staged_workers (
            worker_id TEXT PRIMARY KEY,
            version INTEGER NOT NULL,
            digest BLOB NOT NULL,
            record TEXT NOT NULL            -- the Worker as JSON
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE staged_templates (
            template_id TEXT PRIMARY KEY,
            worker_id TEXT NOT NULL REFERENCES staged_workers ON DELETE CASCADE,
            model TEXT NOT NULL,
            model_version TEXT NOT NULL,
            vector BLOB NOT NULL,
            quality REAL NOT NULL,
            source TEXT NOT NULL,
            created_at TEXT NOT NULL
        ) STRICT
        """
    )
    db.execute("CREATE INDEX staged_templates_by_worker ON staged_templates (worker_id)")
    db.execute(
        """
        CREATE TABLE commands (
            command_id TEXT PRIMARY KEY,
            action TEXT NOT NULL,
            lane_id TEXT NOT NULL,
            issued_by TEXT NOT NULL,
            reason TEXT NOT NULL,
            received_at TEXT NOT NULL,
            done INTEGER,                   -- NULL: begun, and it is not known what became of it
            detail TEXT NOT NULL DEFAULT '',
            answered_at TEXT
        ) STRICT
        """
    )


@migrations(name="0005_notes")
def _notes(db: Database) -> None:
    # Beside events, records of the kiosk wait for the centre; rows of one subject go up in their order.
    (last,) = db.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
    db.execute(
        """
        CREATE TABLE outbox_new (
            item_id INTEGER PRIMARY KEY AUTOINCREMENT,
            kind TEXT NOT NULL,
            event_id TEXT REFERENCES events (event_id),
            record_id TEXT,                 -- of a note; NULL for events and passages
            subject TEXT NOT NULL,          -- the event id, or e.g. worker:W-17
            payload TEXT NOT NULL,
            created_at TEXT NOT NULL,
            parked_reason TEXT,
            parked_at TEXT
        ) STRICT
        """
    )
    db.execute(
        "INSERT INTO outbox_new SELECT item_id, kind, event_id, NULL, event_id, payload, created_at, "
        "parked_reason, parked_at FROM outbox"
    )
    db.execute("DROP TABLE outbox")
    db.execute("ALTER TABLE outbox_new RENAME TO outbox")
    # The numbers go on where they were, also after a queue that was empty.
    db.execute("DELETE FROM sqlite_sequence WHERE name = 'outbox'")
    db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('outbox', ?)", [last])
    db.execute("CREATE INDEX outbox_by_event ON outbox (event_id) WHERE event_id IS NOT NULL")
    db.execute("CREATE INDEX outbox_by_subject ON outbox (subject)")
    db.execute("CREATE INDEX outbox_by_record ON outbox (record_id) WHERE record_id IS NOT NULL")
    db.execute("CREATE INDEX outbox_parked ON outbox (item_id) WHERE parked_reason IS NOT NULL")
    db.execute(
        """
        CREATE TABLE local_changes (
            worker_id TEXT PRIMARY KEY,
            erases INTEGER NOT NULL,        -- 1: no template may come back
            waits_for INTEGER,              -- roster version with the centre's answer; NULL: none yet
            entry TEXT                      -- worker and templates as the centre last said, or NULL
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE people (
            worker_id TEXT PRIMARY KEY,
            document_type TEXT NOT NULL,
            document_number TEXT NOT NULL,
            record TEXT NOT NULL            -- the Person as JSON
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX people_by_document ON people (document_type, document_number)")
    db.execute(
        """
        CREATE TABLE consents (
            consent_no INTEGER PRIMARY KEY,
            consent_id TEXT NOT NULL UNIQUE,
            worker_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            record TEXT NOT NULL,           -- the Consent as JSON
            withdrawn_at TEXT
        ) STRICT
        """
    )
    db.execute("CREATE INDEX consents_by_worker ON consents (worker_id)")
    db.execute(
        """
        CREATE TABLE attachments (
            attachment_id TEXT PRIMARY KEY,
            worker_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            media_type TEXT NOT NULL,
            content BLOB NOT NULL,
            created_at TEXT NOT NULL,
            keep_until TEXT
        ) STRICT
        """
    )
    db.execute("CREATE INDEX attachments_by_worker ON attachments (worker_id)")
    db.execute(
        """
        CREATE TABLE withdrawals (
            withdrawal_id TEXT PRIMARY KEY,
            worker_id TEXT NOT NULL,
            record TEXT NOT NULL,           -- the ConsentWithdrawal as JSON
            erased TEXT NOT NULL            -- what went here, as JSON
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE kiosk_audit (
            audit_no INTEGER PRIMARY KEY,
            at TEXT NOT NULL,
            actor TEXT NOT NULL,
            action TEXT NOT NULL,
            subject TEXT NOT NULL,
            detail TEXT NOT NULL            -- JSON object
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE asks (
            ask_id TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            body TEXT NOT NULL,             -- emptied once answered
            asked_at TEXT NOT NULL,
            sent_at TEXT,
            answer TEXT,
            problem TEXT,                   -- why there is no answer
            answered_at TEXT
        ) STRICT
        """
    )


@migrations(name="0008_kiosk_accounts")
def _kiosk_accounts(db: Database) -> None:
    db.execute(
        """
        CREATE TABLE kiosk_users (
            user_id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            role TEXT NOT NULL,
            password_hash TEXT NOT NULL,    -- Argon2id
            failed_logins INTEGER NOT NULL,
            locked_until TEXT,
            created_at TEXT NOT NULL,
            last_login_at TEXT
        ) STRICT, WITHOUT ROWID
        """
    )
    # Registrations that are not finished; erased when nobody goes on with them.
    db.execute(
        """
        CREATE TABLE enrolment_drafts (
            draft_id TEXT PRIMARY KEY,
            user_id TEXT NOT NULL UNIQUE,
            changed_at TEXT NOT NULL,
            record TEXT NOT NULL,
            photo BLOB,
            scan BLOB
        ) STRICT
        """
    )


@migrations(name="0006_training")
def _training(db: Database) -> None:
    db.execute(
        """
        CREATE TABLE training_sessions (
            session_id TEXT PRIMARY KEY,
            worker_id TEXT NOT NULL,
            course_id TEXT NOT NULL,
            changed_at TEXT NOT NULL,
            record TEXT NOT NULL            -- the SessionState as JSON
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE training_records (
            training_no INTEGER PRIMARY KEY,
            record_id TEXT NOT NULL UNIQUE,
            public_key TEXT NOT NULL,
            number INTEGER NOT NULL,        -- counts the records of this key from 1
            hash TEXT NOT NULL,             -- what the next record names as the one before it
            token TEXT NOT NULL UNIQUE,
            worker_id TEXT NOT NULL,
            ended_at TEXT NOT NULL,
            record TEXT NOT NULL,           -- the SignedTraining as JSON
            UNIQUE (public_key, number)
        ) STRICT
        """
    )
    db.execute("CREATE INDEX training_records_by_worker ON training_records (worker_id)")


@migrations(name="0007_import_jobs")
def _import_jobs(db: Database) -> None:
    db.execute(
        """
        CREATE TABLE import_jobs (
            job_id TEXT NOT NULL UNIQUE,
            sha256 TEXT NOT NULL,           -- of the roster file
            file_name TEXT NOT NULL,
            options TEXT NOT NULL,          -- JSON
            total INTEGER NOT NULL,
            last_row INTEGER NOT NULL,      -- the import goes on behind it
            state TEXT NOT NULL,
            started_by TEXT NOT NULL,
            started_at TEXT NOT NULL,
            changed_at TEXT NOT NULL
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE import_rows (
            job_id TEXT NOT NULL REFERENCES import_jobs (job_id) ON DELETE CASCADE,
            row INTEGER NOT NULL,
            worker_id TEXT NOT NULL,
            result TEXT NOT NULL,
            reason TEXT NOT NULL,
            next_step TEXT NOT NULL,
            PRIMARY KEY (job_id, row)
        ) STRICT, WITHOUT ROWID
        """
    )


@migrations(name="0009_passes")
def _passes(db: Database) -> None:
    db.execute(
        """
        CREATE TABLE pass_grants (
            worker_id TEXT NOT NULL REFERENCES workers (worker_id) ON DELETE CASCADE,
            pass_id TEXT NOT NULL,
            method TEXT NOT NULL,
            digest TEXT NOT NULL,           -- sha256 of what the pass carries, in hex
            valid_from TEXT,
            valid_until TEXT,
            revoked_at TEXT,
            PRIMARY KEY (worker_id, pass_id)
        ) STRICT
        """
    )
    # Not unique: a badge number registered twice is for the guard to see, not a roster to refuse.
    db.execute("CREATE INDEX pass_grants_by_digest ON pass_grants (digest)")


@migrations(name="0010_handed_over")
def _handed_over(db: Database) -> None:
    # A note that was given to the wire may be at the centre: it cannot be taken back any more.
    db.execute("ALTER TABLE outbox ADD COLUMN handed_over INTEGER NOT NULL DEFAULT 0")


@migrations(name="0011_filled_forms")
def _filled_forms(db: Database) -> None:
    db.execute(
        """
        CREATE TABLE filled_forms (
            record_id TEXT NOT NULL PRIMARY KEY,
            form_id TEXT NOT NULL,
            subject TEXT NOT NULL,          -- whom or what it is about, e.g. declared:W-1
            local_day TEXT NOT NULL,
            declared_at TEXT NOT NULL,
            record TEXT NOT NULL            -- JSON of the note
        ) STRICT
        """
    )
    db.execute("CREATE INDEX filled_forms_by_subject ON filled_forms (form_id, subject, local_day)")


@migrations(name="0012_unparked")
def _unparked(db: Database) -> None:
    # What is to be sent is asked for ten times a second, also when thousands of rows are parked before it.
    db.execute("CREATE INDEX outbox_unparked ON outbox (item_id) WHERE parked_reason IS NULL")


@migrations(name="0013_departures")
def _departures(db: Database) -> None:
    db.execute(
        """
        CREATE TABLE departures (
            worker_id TEXT NOT NULL PRIMARY KEY REFERENCES workers (worker_id) ON DELETE CASCADE,
            since TEXT NOT NULL
        ) STRICT
        """
    )
