--
-- PostgreSQL database dump
--
SET standard_conforming_strings = on;
CREATE TABLE public.topics (
    id integer NOT NULL,
    title character varying NOT NULL,
    archetype character varying DEFAULT 'regular'::character varying NOT NULL,
    visible boolean DEFAULT true NOT NULL,
    deleted_at timestamp without time zone,
    created_at timestamp without time zone NOT NULL,
    category_id integer
);
INSERT INTO public.topics VALUES (1, 'Where''s the \log?', 'regular', true, NULL, '2020-01-01 00:00:00', 3);
INSERT INTO public.topics VALUES (2, 'Secret?', 'private_message', true, NULL, '2020-01-01 00:00:00', NULL);
INSERT INTO public.topics VALUES (3, 'Gone?', 'regular', true, '2020-02-01 00:00:00', '2020-01-01 00:00:00', 3);
INSERT INTO public.topics VALUES (4, E'It\'s a\nline?', 'regular', true, NULL, '2020-01-01 00:00:00', 4);
CREATE TABLE public.categories (id integer NOT NULL, name character varying(50) NOT NULL, read_restricted boolean DEFAULT false NOT NULL);
INSERT INTO public.categories VALUES (3, 'Support?', false);
INSERT INTO public.categories VALUES (4, 'Staff', true);
