//! `cargo xtask serve`: serves the built page on localhost. Any static file host works as well.

use crate::{run, web};
use anyhow::{Result, anyhow};
use clap::Args;
use std::{
    fs::File,
    path::{Component, Path, PathBuf},
};
use tiny_http::{Header, Request, Response, Server};

/// Options of `cargo xtask serve`.
#[derive(Args)]
pub struct Options {
    /// Port to listen on
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Serve web/dist/page as it is
    #[arg(long)]
    no_build: bool,
    #[command(flatten)]
    web: web::Options,
}

/// Builds the page, prints its address, and serves until stopped.
pub fn run(options: &Options) -> Result<()> {
    if !options.no_build {
        web::run(&options.web)?;
    }
    let folder = run::root().join("web/dist/page");
    let server =
        Server::http(("127.0.0.1", options.port)).map_err(|error| anyhow!("port {}: {error}", options.port))?;
    println!("http://localhost:{}/", options.port);
    for request in server.incoming_requests() {
        if let Err(error) = answer(request, &folder) {
            eprintln!("{error}");
        }
    }
    Ok(())
}

fn answer(request: Request, folder: &Path) -> std::io::Result<()> {
    match inside(folder, request.url()).and_then(|path| File::open(&path).ok().map(|file| (path, file))) {
        Some((path, file)) => request.respond(Response::from_file(file).with_header(content_type(&path))),
        None => request.respond(Response::from_string("not found").with_status_code(404)),
    }
}

/// The file of a URL, or `None` if the URL leaves the folder.
fn inside(folder: &Path, url: &str) -> Option<PathBuf> {
    let path = url.split(['?', '#']).next()?.trim_start_matches('/');
    let path = Path::new(if path.is_empty() { "index.html" } else { path });
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    plain.then(|| folder.join(path))
}

fn content_type(path: &Path) -> Header {
    let kind = match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    Header::from_bytes("Content-Type", kind).unwrap_or_else(|()| unreachable!("both are plain ASCII"))
}
