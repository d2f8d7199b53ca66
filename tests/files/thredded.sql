CREATE TABLE "thredded_topics" ("id" integer, "user_id" integer, "title" text, "slug" text, "messageboard_id" integer, "posts_count" integer, "moderation_state" integer);
INSERT INTO "thredded_topics" VALUES (1,5,'How do I clean a lens?','how',2,1,1),(2,5,'Blocked?','how',2,1,2);
