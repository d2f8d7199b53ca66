INSERT INTO q VALUES (1,'How is tar made?');
