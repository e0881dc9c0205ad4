//! Collects the kernels of `shaders/`: every file of a family, the variants that the family's table names, and the pasted text.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// A line of a file, counted from 1.
pub type Place = (PathBuf, usize);

/// A mistake in a shader or in a table.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where it is.
    pub place: Place,
    /// What is wrong.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, line) = &self.place;
        write!(f, "{}:{line}: {}", file.display(), self.text)
    }
}

/// A kernel as the driver gets it.
pub struct Kernel {
    /// Folder below `shaders/`.
    pub family: String,
    /// Name of the file, or that with the suffix of a variant.
    pub name: String,
    /// The file.
    pub file: PathBuf,
    /// WGSL with all includes pasted.
    pub text: String,
    /// Where every line of the text comes from.
    pub origins: Vec<Place>,
}

/// A row of a family's table, for one suffix.
struct Variant {
    kernel: String,
    suffix: String,
    pasted: Vec<String>,
    place: Place,
}

/// The kernels below `root` in order of their files, and every mistake in files and tables.
pub fn collect(root: &Path) -> (Vec<Kernel>, Vec<Problem>) {
    let (mut kernels, mut problems) = (Vec::new(), Vec::new());
    for folder in entries(root).into_iter().filter(|path| path.is_dir() && stem(path) != "common") {
        let variants = variants(&folder.join("variants.txt"), &mut problems);
        let files: Vec<PathBuf> =
            entries(&folder).into_iter().filter(|path| path.extension().is_some_and(|kind| kind == "wgsl")).collect();
        for row in variants.iter().filter(|row| !files.iter().any(|file| stem(file) == row.kernel)) {
            problems.push(Problem { place: row.place.clone(), text: format!("there is no {}.wgsl here", row.kernel) });
        }
        for file in files {
            let mut rows = variants.iter().filter(|row| row.kernel == stem(&file)).peekable();
            if rows.peek().is_none() {
                kernels.push(pasted(root, &folder, &file, None, &mut problems));
            }
            kernels.extend(rows.map(|row| pasted(root, &folder, &file, Some(row), &mut problems)));
        }
    }
    (kernels, problems)
}

/// What lies in a folder, sorted.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let listing = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = listing.map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    paths
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The rows `kernel | suffixes | files of common/, with the suffix for *` of a table; none where there is no table.
fn variants(table: &Path, problems: &mut Vec<Problem>) -> Vec<Variant> {
    let mut found = Vec::new();
    for (number, line) in fs::read_to_string(table).unwrap_or_default().lines().enumerate() {
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        let place = (table.to_owned(), number + 1);
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [kernel, suffixes, files] = columns[..] else {
            problems.push(Problem { place, text: "a row is: kernel | suffixes | pasted files".into() });
            continue;
        };
        found.extend(suffixes.split_whitespace().map(|suffix| Variant {
            kernel: kernel.into(),
            suffix: suffix.into(),
            pasted: files.split_whitespace().map(|file| file.replace('*', suffix)).collect(),
            place: place.clone(),
        }));
    }
    found
}

fn pasted(root: &Path, folder: &Path, file: &Path, row: Option<&Variant>, problems: &mut Vec<Problem>) -> Kernel {
    let suffix = row.map(|row| format!("_{}", row.suffix)).unwrap_or_default();
    let (name, file) = (stem(file) + &suffix, file.to_owned());
    let mut kernel = Kernel { family: stem(folder), name, file, text: String::new(), origins: Vec::new() };
    let mut seen = Vec::new();
    for (row, include) in row.iter().flat_map(|row| row.pasted.iter().map(move |include| (row, include))) {
        paste(root, &root.join(format!("common/{include}.wgsl")), &row.place, &mut seen, &mut kernel, problems);
    }
    let place = (kernel.file.clone(), 1);
    paste(root, &kernel.file.clone(), &place, &mut seen, &mut kernel, problems);
    kernel
}

/// Appends a file to a kernel, once, and in place of every `//!include family/file.wgsl` that file. `asked` is the line that asks for it.
fn paste(
    root: &Path,
    file: &Path,
    asked: &Place,
    seen: &mut Vec<PathBuf>,
    kernel: &mut Kernel,
    problems: &mut Vec<Problem>,
) {
    if seen.iter().any(|other| other == file) {
        return;
    }
    seen.push(file.to_owned());
    let source = fs::read_to_string(file).unwrap_or_else(|error| {
        problems.push(Problem { place: asked.clone(), text: format!("cannot read {}: {error}", file.display()) });
        String::new()
    });
    for (number, line) in source.lines().enumerate() {
        let place = (file.to_owned(), number + 1);
        if let Some(include) = line.strip_prefix("//!include ") {
            paste(root, &root.join(include.trim()), &place, seen, kernel, problems);
            continue;
        }
        kernel.text.push_str(line);
        kernel.text.push('\n');
        kernel.origins.push(place);
    }
}
