-- schema: 0005
-- What a small installation of version 0.4.0 had in its database.
INSERT INTO forums (name, title)
    VALUES ('cooks', 'For cooks');
INSERT INTO models (id, kind, name, digest, dimension, active)
    VALUES (1, 'bi-encoder', 'tiny', 'aa', 3, true);
INSERT INTO models (id, kind, name, digest, calibration, active)
    VALUES (2, 'reranker', 'default', 'bb', '{"threshold": 0.7}', true);
SELECT setval('models_id_seq', 2);
INSERT INTO api_keys (name, prefix, secret_hash, scopes)
    VALUES ('backend', 'ab_12345678', decode('00', 'hex'), '{submit}');
INSERT INTO api_key_forums
    SELECT api_keys.id, forums.id FROM api_keys, forums;
INSERT INTO people (name)
    VALUES ('ann');
INSERT INTO memberships (person_id, forum_id, role)
    SELECT people.id, forums.id, 'admin' FROM people, forums;
INSERT INTO archives (forum_id, name, form, top_k)
    SELECT id, 'old.csv', 'csv', 100 FROM forums;
INSERT INTO questions (forum_id, external_id, title, author, text_fields, text_digest,
    content_digest, bi_encoder_id, reranker_id, checked_at)
    SELECT forums.id, number::text, 'How long does rice cook, try ' || number, 'bob',
    'title', decode('00', 'hex'), decode('00', 'hex'), 1, 2, now() FROM forums,
    generate_series(1, 3) number;
CREATE TABLE embeddings_m1 PARTITION OF embeddings FOR VALUES IN (1);
INSERT INTO embeddings (model_id, question_id, forum_id, visible, text_digest, vector)
    SELECT 1, id, forum_id, true, decode('00', 'hex'), '[1,0,0]'::halfvec FROM questions;
INSERT INTO jobs (question_id, forum_id, lane, tokens)
    SELECT max(id), max(forum_id), 'live', 9 FROM questions;
INSERT INTO pairs (forum_id, low_id, high_id, kind, cosine, score, threshold,
    bi_encoder_id, reranker_id, low_text_version, high_text_version, status, decided_at,
    decided_by)
    SELECT one.forum_id, one.id, other.id, 'model', 0.9, 0.8, 0.7, 1, 2, 1, 1,
    CASE WHEN one.external_id = '1' THEN 'duplicate' ELSE 'flagged' END,
    CASE WHEN one.external_id = '1' THEN now() END,
    CASE WHEN one.external_id = '1' THEN 'ann' END FROM questions one JOIN questions other
    ON other.id = one.id + 1 ORDER BY one.id;
INSERT INTO events (forum_id, kind, pair_id, actor)
    SELECT forum_id, 'pair.flagged', id, 'worker' FROM pairs;
