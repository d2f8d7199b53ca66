--
-- PostgreSQL database dump
--
SET statement_timeout = 0;
CREATE FUNCTION public.f() RETURNS void LANGUAGE plpgsql AS $$
BEGIN -- don't; stop
END;
$$;
CREATE TABLE public.askbot_post (id integer, post_type character varying(255), thread_id integer, author_id integer, text text, added_at timestamp with time zone, deleted boolean, approved boolean);
CREATE TABLE public.askbot_thread (id integer, title character varying(300), tagnames character varying(125), deleted boolean, approved boolean, added_at timestamp with time zone);
COPY public.askbot_post (id, post_type, thread_id, author_id, text, added_at, deleted, approved) FROM stdin;
31	question	1	1	It is *dim*	2015-01-01 10:00:00+00	f	t
32	answer	1	1	Lamp	2015-01-01 10:00:00+00	f	t
33	question	2	1	gone	2015-01-01 10:00:00+00	t	t
\.
COPY public.askbot_thread (id, title, tagnames, deleted, approved, added_at) FROM stdin;
1	Which lamp is bright?	lamp light	f	t	2015-01-01 10:00:00+00
2	Deleted	lamp	f	t	2015-01-01 10:00:00+00
3	Unapproved	lamp	f	f	2015-01-01 10:00:00+00
4	Among editors	lamp	f	t	2015-01-01 10:00:00+00
\.
CREATE TABLE public.auth_group (id integer, name character varying(80));
COPY public.auth_group (id, name) FROM stdin;
1	_internal_1
2	everyone
3	editors
\.
CREATE TABLE public.askbot_thread_groups (id integer, thread_id integer, group_id integer, visibility smallint);
COPY public.askbot_thread_groups (id, thread_id, group_id, visibility) FROM stdin;
1	1	1	0
2	1	2	1
3	2	2	1
4	3	2	1
5	4	1	0
6	4	3	1
\.
