-- What the uploader asked a scan to be held by, and what came of it; null: best fit, or measured before this was kept.
alter table scan add column alignment jsonb
-- next
alter table alignment add column report jsonb
