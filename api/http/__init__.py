"""What holds for every request: errors, hostile texts, clients, retries, the OpenAPI document."""
