//! Bodies of requests, with bounds on bytes and on time.

use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_stream::StreamExt;

use crate::error::ApiError;

/// Most bytes of a request: 48 MB of audio in base64.
pub(crate) const MOST_BYTES: usize = 64 << 20;
/// Longest time that a body may take.
const LONGEST: Duration = Duration::from_secs(300);
/// Longest time that a body which nobody reads is waited for.
const DRAINING: Duration = Duration::from_secs(10);

/// The body of a request, of a client that is never silent for longer than `silence`.
///
/// # Errors
/// 413 for too many bytes, 408 for a client that is too slow, 400 for one that broke off.
pub(crate) async fn read(parts: &Parts, body: Body, silence: Duration) -> Result<Vec<u8>, ApiError> {
    if announced(parts) > MOST_BYTES as u64 {
        drain(parts, body).await;
        return Err(too_large());
    }
    let mut stream = body.into_data_stream();
    let (mut bytes, end) = (Vec::new(), Instant::now() + LONGEST);
    loop {
        let chunk = timeout(silence, timeout_at(end, stream.next())).await;
        match chunk {
            Ok(Ok(Some(Ok(chunk)))) if bytes.len() + chunk.len() <= MOST_BYTES => bytes.extend_from_slice(&chunk),
            Ok(Ok(Some(Ok(_)))) => return Err(too_large()),
            Ok(Ok(None)) => return Ok(bytes),
            Ok(Ok(Some(Err(error)))) => {
                let message = format!("the body of the request broke off ({error}); send it again");
                return Err(ApiError::request(StatusCode::BAD_REQUEST, "body_incomplete", message));
            }
            Ok(Err(_)) | Err(_) => {
                let message = "the body of the request came too slowly; send it again";
                return Err(ApiError::request(StatusCode::REQUEST_TIMEOUT, "request_timeout", message));
            }
        }
    }
}

fn too_large() -> ApiError {
    let message = format!("a request has at most {} MiB; send a shorter or a compressed clip", MOST_BYTES >> 20);
    ApiError::request(StatusCode::PAYLOAD_TOO_LARGE, "request_too_large", message)
}

fn announced(parts: &Parts) -> u64 {
    let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    length.and_then(|length| length.parse().ok()).unwrap_or(0)
}

/// Reads what a refused request still sends: many clients see the answer only after they have sent everything, and a reset if nobody reads.
/// A client that asked whether it may send is simply told no.
pub(crate) async fn drain(parts: &Parts, body: Body) {
    if parts.headers.contains_key(header::EXPECT) || announced(parts) > 2 * MOST_BYTES as u64 {
        return;
    }
    let mut stream = body.into_data_stream();
    let mut left = 2 * MOST_BYTES;
    let read = async {
        while let Some(Ok(chunk)) = stream.next().await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                return;
            }
        }
    };
    let _ = timeout(DRAINING, read).await; // whoever takes longer is cut off
}
