REM INSERTING into QUESTIONS
SET DEFINE OFF;
Insert into QUESTIONS (ID,TITLE,CREATED) values (1,'Where''s the log?',to_date('02-JAN-20','DD-MON-RR'));
Insert into QUESTIONS (ID,TITLE,CREATED) values (2,'What is DNS?',null);
