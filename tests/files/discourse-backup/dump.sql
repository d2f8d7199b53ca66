--
-- PostgreSQL database dump
--
SET statement_timeout = 0;
CREATE FUNCTION public.f() RETURNS void LANGUAGE plpgsql AS $$
BEGIN -- don't; stop
END;
$$;
CREATE TABLE public.categories (
    id integer NOT NULL,
    name character varying(50) NOT NULL,
    read_restricted boolean DEFAULT false NOT NULL
);
CREATE TABLE public.posts (
    id integer NOT NULL,
    topic_id integer NOT NULL,
    post_number integer NOT NULL,
    raw text NOT NULL,
    hidden boolean
);
CREATE TABLE public.topics (
    id integer NOT NULL,
    title character varying NOT NULL,
    archetype character varying DEFAULT 'regular'::character varying NOT NULL,
    visible boolean,
    deleted_at timestamp without time zone,
    category_id integer,
    created_at timestamp without time zone
);
COPY public.categories (id, name, read_restricted) FROM stdin;
1	Gates	f
2	Staff	t
\.

COPY public.posts (id, topic_id, post_number, raw, hidden) FROM stdin;
1	5	1	It **squeaks**\nloud	f
2	5	2	Oil	f
3	9	1	flagged	t
\.

COPY public.topics (id, title, archetype, visible, deleted_at, category_id, created_at) FROM stdin;
5	How do I oil a gate?	regular	t	\N	1	2020-01-01 10:00:00.12
6	Between us	private_message	t	\N	\N	2020-01-01 10:00:00
7	Deleted	regular	t	2020-01-01 10:00:00	1	2020-01-01 10:00:00
8	Staff only	regular	t	\N	2	2020-01-01 10:00:00
9	Flagged	regular	t	\N	1	2020-01-01 10:00:00
10	Unlisted	regular	f	\N	1	2020-01-01 10:00:00
\.

