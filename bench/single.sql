-- One row of two columns: the most commits that the server gives.
INSERT INTO bench_single VALUES (uuidv7(), 1);
