PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE questions (id INTEGER PRIMARY KEY, title TEXT, is_deleted BOOLEAN);
INSERT INTO questions VALUES(1,'Where''s the log?',0);
INSERT INTO questions VALUES(2,replace('a\nb?','\n',char(10)),0);
INSERT INTO "questions" VALUES(3,'Gone?',1);
COMMIT;
