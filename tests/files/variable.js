var questions = [{"id":1,"title":"How do I reset?"},{"id":2,"title":"Where are logs?"}];
