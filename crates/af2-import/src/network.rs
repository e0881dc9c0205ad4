//! The page's network: `fetch`, which follows redirects by itself and sends a request as soon as it is asked to.

use std::time::Duration;

use af2_hub::{Body, Http, HttpError, LocalBoxFuture, Request, Response};
use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::failure::reason;

#[wasm_bindgen(typescript_custom_section)]
const TYPESCRIPT: &str = r"
export interface Network {
  /** Sends a GET request. */
  get(url: string, headers: [name: string, value: string][]): NetworkRequest;
  /** Waits before the next attempt. */
  pause(milliseconds: number, reason: string): Promise<void>;
}
/** A request in flight. */
export interface NetworkRequest {
  /** Resolves once the headers are there. */
  answer(): Promise<NetworkAnswer>;
  /** The next bytes of the body; undefined at its end. */
  chunk(): Promise<Uint8Array | undefined>;
  /** Ends the request. */
  cancel(): void;
}
export interface NetworkAnswer {
  status: number;
  /** The address that answered, after redirects. */
  url: string;
  /** Names are in lower case. */
  headers: [name: string, value: string][];
}
";

#[wasm_bindgen]
extern "C" {
    /// The page's `Network`.
    #[wasm_bindgen(typescript_type = "Network")]
    #[derive(Clone)]
    pub type Network;

    #[wasm_bindgen(method)]
    fn get(this: &Network, url: &str, headers: &Array) -> NetworkRequest;

    #[wasm_bindgen(method)]
    fn pause(this: &Network, milliseconds: f64, reason: &str) -> Promise;

    /// The page's `NetworkRequest`.
    type NetworkRequest;

    #[wasm_bindgen(method)]
    fn answer(this: &NetworkRequest) -> Promise;

    #[wasm_bindgen(method)]
    fn chunk(this: &NetworkRequest) -> Promise;

    #[wasm_bindgen(method)]
    fn cancel(this: &NetworkRequest);

    /// The page's `NetworkAnswer`.
    type NetworkAnswer;

    #[wasm_bindgen(method, getter)]
    fn status(this: &NetworkAnswer) -> u16;

    #[wasm_bindgen(method, getter)]
    fn url(this: &NetworkAnswer) -> String;

    #[wasm_bindgen(method, getter)]
    fn headers(this: &NetworkAnswer) -> Array;
}

/// `fetch` as the hub's client uses it.
pub struct Fetch(pub Network);

/// A request that ends when it is dropped.
struct InFlight(NetworkRequest);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Http for Fetch {
    fn get(&self, request: Request) -> LocalBoxFuture<'static, Result<Response, HttpError>> {
        let headers: Array = request.headers.iter().map(|(name, value)| pair(name, value)).collect();
        let in_flight = InFlight(self.0.get(&request.url, &headers));
        Box::pin(async move {
            let answer: NetworkAnswer = JsFuture::from(in_flight.0.answer()).await.map_err(fault)?.unchecked_into();
            let headers = answer.headers().iter().filter_map(|header| entry(&header.into())).collect();
            Ok(Response { status: answer.status(), url: answer.url(), headers, body: Box::new(in_flight) })
        })
    }

    fn follows_redirects(&self) -> bool {
        true
    }

    fn pause(&self, duration: Duration, reason: &str) -> LocalBoxFuture<'static, ()> {
        let paused = JsFuture::from(self.0.pause(duration.as_secs_f64() * 1000.0, reason));
        Box::pin(async move {
            let _ = paused.await; // a pause that is cut short is followed by a request that fails
        })
    }
}

impl Body for InFlight {
    fn chunk(&mut self) -> LocalBoxFuture<'_, Result<Option<Vec<u8>>, HttpError>> {
        let chunk = JsFuture::from(self.0.chunk());
        Box::pin(async move {
            let bytes = chunk.await.map_err(fault)?;
            Ok((!bytes.is_undefined()).then(|| Uint8Array::new(&bytes).to_vec()))
        })
    }
}

fn fault(thrown: JsValue) -> HttpError {
    HttpError(reason(&thrown))
}

fn pair(name: &str, value: &str) -> Array {
    Array::of2(&name.into(), &value.into())
}

/// A header of the page as name and value.
fn entry(header: &Array) -> Option<(String, String)> {
    Some((header.get(0).as_string()?, header.get(1).as_string()?))
}
