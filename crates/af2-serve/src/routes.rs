//! The routes.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::app::App;
use crate::error::ApiError;
use crate::{body, chat, guard};

/// The routes, with pages of `origins` allowed to ask (`*` for all).
pub(crate) fn router(app: Arc<App>, origins: &[HeaderValue]) -> Router {
    let api = Router::new()
        .route("/v1/chat/completions", post(chat::completions))
        .route("/v1/models", get(models))
        .route("/v1/models/{*id}", get(model))
        .route("/v1/audio/{*rest}", any(no_speech))
        .layer(from_fn_with_state(app.clone(), guard::key));
    let mut router = Router::new()
        .merge(api)
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .method_not_allowed_fallback(wrong_method)
        .fallback(nothing_here);
    if !origins.is_empty() {
        router = router.layer(cors(origins));
    }
    router
        .layer(from_fn_with_state(app.clone(), guard::host))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(app.clone(), counted))
        .with_state(app)
}

fn cors(origins: &[HeaderValue]) -> CorsLayer {
    let any = origins.iter().any(|origin| origin == "*");
    let origin = if any { AllowOrigin::any() } else { AllowOrigin::list(origins.iter().cloned()) };
    CorsLayer::new()
        .allow_origin(origin)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .allow_private_network(true)
}

async fn counted(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    app.metrics.response(response.status());
    response
}

fn panicked(_: Box<dyn Any + Send>) -> Response {
    ApiError::internal("internal error; the server goes on, and says more on its terminal").into_response()
}

fn described(app: &App) -> Value {
    json!({ "id": app.model, "object": "model", "created": app.started, "owned_by": "af2" })
}

async fn models(State(app): State<Arc<App>>) -> Json<Value> {
    Json(json!({ "object": "list", "data": [described(&app)] }))
}

async fn model(State(app): State<Arc<App>>, id: Result<Path<String>, PathRejection>) -> Result<Json<Value>, ApiError> {
    let id = id.map(|Path(id)| id).unwrap_or_default(); // no UTF-8: no model of ours
    if id == app.model {
        return Ok(Json(described(&app)));
    }
    let id: String = id.chars().take(100).collect();
    let message = format!("there is no model {id:?}; this server has {:?}", app.model);
    Err(ApiError::request(StatusCode::NOT_FOUND, "model_not_found", message))
}

async fn no_speech(request: Request) -> ApiError {
    let message = "this model answers questions about audio, it is no speech recogniser and does not speak; ask with \
                   POST /v1/chat/completions and an input_audio part";
    refused(request, ApiError::request(StatusCode::NOT_FOUND, "unsupported_endpoint", message)).await
}

async fn health(State(app): State<Arc<App>>) -> Response {
    if app.metrics.lost.load(Ordering::Relaxed) {
        let lost = json!({ "status": "the GPU was lost; the next request tries again" });
        return (StatusCode::SERVICE_UNAVAILABLE, Json(lost)).into_response();
    }
    Json(json!({ "status": "ok" })).into_response()
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], app.metrics.text(&app.queue)).into_response()
}

async fn wrong_method(request: Request) -> ApiError {
    let message = format!("{} is not possible at {}", request.method(), place(&request));
    refused(request, ApiError::request(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)).await
}

async fn nothing_here(request: Request) -> ApiError {
    let message = format!(
        "there is nothing at {}; this server has POST /v1/chat/completions, GET /v1/models, /health and /metrics",
        place(&request)
    );
    refused(request, ApiError::request(StatusCode::NOT_FOUND, "not_found", message)).await
}

/// An error, once the request was read to its end.
async fn refused(request: Request, error: ApiError) -> ApiError {
    let (parts, body) = request.into_parts();
    body::drain(&parts, body).await;
    error
}

/// A path in a message.
fn place(request: &Request) -> String {
    request.uri().path().chars().take(100).collect()
}
