--
-- PostgreSQL database dump
--
CREATE TABLE public.misago_categories_category (id integer, name character varying(255), special_role character varying(255), tree_id integer);
COPY public.misago_categories_category (id, name, special_role, tree_id) FROM stdin;
1	Private	private_threads	0
2	Kitchen	\N	1
3	Staff	\N	1
\.
CREATE TABLE public.misago_acl_role (id integer, name character varying(255), special_role character varying(255));
COPY public.misago_acl_role (id, name, special_role) FROM stdin;
1	Members	authenticated
3	Staff	\N
\.
CREATE TABLE public.misago_categories_categoryrole (id integer, name character varying(255), permissions jsonb);
COPY public.misago_categories_categoryrole (id, name, permissions) FROM stdin;
1	See only	{"misago.categories.permissions": {"can_see": 1, "can_browse": 0}}
2	Read	{"misago.categories.permissions": {"can_see": 1, "can_browse": 1}}
\.
CREATE TABLE public.misago_categories_rolecategoryacl (id integer, category_id integer, category_role_id integer, role_id integer);
COPY public.misago_categories_rolecategoryacl (id, category_id, category_role_id, role_id) FROM stdin;
1	2	2	1
2	3	2	3
3	3	1	1
\.
CREATE TABLE public.misago_threads_thread (id integer, title character varying(255), category_id integer, starter_name character varying(255), started_on timestamp with time zone, replies integer, is_hidden boolean, is_unapproved boolean, is_closed boolean, first_post_id integer);
COPY public.misago_threads_thread (id, title, category_id, starter_name, started_on, replies, is_hidden, is_unapproved, is_closed, first_post_id) FROM stdin;
1	Which pan is best?	2	ann	2020-01-01 10:00:00+00	2	f	f	f	11
2	Among the staff?	3	ann	2020-01-01 10:00:00+00	0	f	f	f	12
3	To you alone?	1	ann	2020-01-01 10:00:00+00	0	f	f	f	13
4	Hidden?	2	ann	2020-01-01 10:00:00+00	0	t	f	f	14
\.
