"""The statements about the table of chunks that are run for every piece of an answer.

Each one is a transaction of its own, without prepared statements or anything else that a
connection keeps, so that a pooler may give each to another server connection. They go to
PostgreSQL past the ORM, which would take a thread for each and has no such statements.

The hint goes with the chunks, in no transaction of anybody else's: NOTIFY holds a lock of
the whole server while its transaction is committed.
"""

# What is appended has to follow the last chunk of its turn exactly. So nothing is written
# after an end that somebody else wrote, nor in an epoch that is over, and no viewer can
# meet a gap where a crash of the server has emptied the table: ``follows`` is the sequence
# of the chunk that went before. A beginning (``follows`` is NULL) carries the whole answer
# instead, and needs a turn that is this epoch's and runs, or has just been finished by who
# ran it. Returned are the turns whose chunks were taken.
APPEND = """
WITH wanted AS (
    SELECT * FROM unnest(%s::uuid[], %s::int[], %s::int[])
        AS wanted (turn_id, epoch, follows)
), allowed AS (
    SELECT wanted.turn_id
    FROM wanted
    JOIN chatd_turn AS turn ON turn.id = wanted.turn_id AND turn.epoch = wanted.epoch
    LEFT JOIN LATERAL (
        SELECT epoch, sequence, name FROM chatd_turnchunk AS chunk
        WHERE chunk.turn_id = wanted.turn_id
        ORDER BY epoch DESC, sequence DESC LIMIT 1
    ) AS last ON true
    WHERE CASE WHEN wanted.follows IS NOT NULL
        THEN last.epoch = wanted.epoch AND last.sequence = wanted.follows
        ELSE (last.epoch IS NULL OR last.epoch < wanted.epoch
              OR (last.epoch = wanted.epoch AND last.name <> 'end'))
            AND (turn.status = 'in_progress'
                 OR turn.finished_at > now() - interval '10 minutes')
    END
), appended AS (
    INSERT INTO chatd_turnchunk (turn_id, epoch, sequence, name, data)
    SELECT turn_id, epoch, sequence, name, data
    FROM unnest(%s::uuid[], %s::int[], %s::int[], %s::text[], %s::text[])
        AS chunk (turn_id, epoch, sequence, name, data)
    JOIN allowed USING (turn_id)
    ON CONFLICT DO NOTHING
), hint AS MATERIALIZED (
    SELECT pg_notify(%s, %s)
)
SELECT turn_id FROM allowed CROSS JOIN hint
"""

# The end of turns that are over and ran elsewhere, or not at all. Who ran one may be writing
# in this very moment, not knowing that it has lost the turn: the end wins.
END = """
WITH ended AS (
    INSERT INTO chatd_turnchunk (turn_id, epoch, sequence, name, data)
    SELECT closed.turn_id,
           coalesce(last.epoch, turn.epoch, 0), coalesce(last.sequence + 1, 0), 'end', ''
    FROM unnest(%s::uuid[]) AS closed (turn_id)
    LEFT JOIN chatd_turn AS turn ON turn.id = closed.turn_id
    LEFT JOIN LATERAL (
        SELECT epoch, sequence, name FROM chatd_turnchunk AS chunk
        WHERE chunk.turn_id = closed.turn_id
        ORDER BY epoch DESC, sequence DESC LIMIT 1
    ) AS last ON true
    WHERE last.name IS DISTINCT FROM 'end'
        AND (turn.status IS NULL OR turn.status NOT IN ('queued', 'in_progress'))
    ON CONFLICT (turn_id, epoch, sequence) DO UPDATE SET name = 'end', data = ''
)
SELECT pg_notify(%s, %s)
"""

# All that was said of some turns after the positions up to which it is known. OFFSET keeps
# the planner from reading the whole table at once, which it takes for smaller than it is.
SINCE = """
SELECT known.turn_id, chunk.epoch, chunk.sequence, chunk.name, chunk.data
FROM unnest(%s::uuid[], %s::int[], %s::int[]) AS known (turn_id, epoch, sequence)
CROSS JOIN LATERAL (
    SELECT epoch, sequence, name, data FROM chatd_turnchunk AS chunk
    WHERE chunk.turn_id = known.turn_id
        AND (chunk.epoch, chunk.sequence) > (known.epoch, known.sequence)
    ORDER BY epoch, sequence OFFSET 0
) AS chunk
"""

# Of some turns those that are over, or deleted.
OVER = """
SELECT watched.turn_id
FROM unnest(%s::uuid[]) AS watched (turn_id)
LEFT JOIN chatd_turn AS turn ON turn.id = watched.turn_id
WHERE turn.status IS NULL OR turn.status NOT IN ('queued', 'in_progress')
"""

# One process at a time; the lock goes with the transaction, as a pooler wants it.
CLEAN_UP = """
WITH mine AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock(hashtext('chatd_turnchunk')) AS locked
), mark AS (
    SELECT turn_id, name, created_at FROM chatd_turnchunk, mine
    WHERE mine.locked AND name IN ('snapshot', 'end')
        AND created_at < now() - interval '1 minute'
), gone AS (
    SELECT turn_id, false AS with_end FROM mark WHERE name = 'end'
    UNION
    SELECT turn_id, true FROM mark
    WHERE created_at < now() - interval '15 minutes' AND NOT EXISTS (
        SELECT FROM chatd_turn AS turn
        WHERE turn.id = mark.turn_id AND turn.status IN ('queued', 'in_progress')
    )
)
DELETE FROM chatd_turnchunk AS chunk USING gone
WHERE chunk.turn_id = gone.turn_id AND (gone.with_end OR chunk.name <> 'end')
"""
