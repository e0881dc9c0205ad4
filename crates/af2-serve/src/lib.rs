//! An HTTP server with the interface of OpenAI's chat completions, on axum.
