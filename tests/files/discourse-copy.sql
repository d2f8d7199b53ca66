--
-- PostgreSQL database dump
--
SET client_encoding = 'UTF8';
CREATE TABLE public.topics (
    id integer NOT NULL,
    title character varying NOT NULL,
    created_at timestamp without time zone NOT NULL,
    views integer DEFAULT 0,
    user_id integer,
    reply_count integer,
    deleted_at timestamp without time zone,
    closed boolean,
    archetype character varying DEFAULT 'regular',
    category_id integer,
    visible boolean DEFAULT true,
    like_count integer
);
COPY public.topics (id, title, created_at, views, user_id, reply_count, deleted_at, closed, archetype, category_id, visible, like_count) FROM stdin;
1	How to write a \\n and a tab\there?	2020-01-01 00:00:00.123456	9	1	2	\N	f	regular	3	t	1
2	PM?	2020-01-01 00:00:00	9	1	2	\N	f	private_message	\N	t	1
3	Deleted?	2020-01-01 00:00:00	9	1	2	2020-02-01 00:00:00	f	regular	3	t	1
4	Unlisted?	2020-01-01 00:00:00	9	1	2	\N	f	regular	3	f	1
5	Staff?	2020-01-01 00:00:00	9	1	2	\N	f	regular	4	t	1
\.


COPY public.categories (id, name, read_restricted) FROM stdin;
3	Cars	f
4	Staff	t
\.

COPY public.posts (id, topic_id, post_number, raw, cooked, hidden, deleted_at) FROM stdin;
1	1	1	line one\nline two \\N	<p>x</p>	f	\N
\.
