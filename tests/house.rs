//! The floor plan (ARCHITECTURE.md, "Rooms"): files that import each other in a circle, an engine
//! that imports the command line, a stage that depends on another one, and files that are too long
//! are found here.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use tests::root;

const STAGES: [&str; 6] = ["explore", "train", "prune", "codegen", "measure", "pipelines"];
const OTHER_CRATES: [&str; 5] =
    ["common", "common/pictures", "common/plot", "common/process", "codegen/runtime"];
/// Lines of a production file, of a `lib.rs` and of a `main.rs`.
const MAX_LINES: usize = 400;
const MAX_LIB_LINES: usize = 59;
const MAX_MAIN_LINES: usize = 20;

/// The path of a module below its crate, such as `["moea", "spea2"]`; empty for `lib.rs`.
type Module = Vec<String>;

/// The modules of a crate, each with the modules that it imports.
struct Imports(BTreeMap<Module, BTreeSet<Module>>);

impl Imports {
    /// Reads the modules of a crate, without unit tests.
    fn read(crate_folder: &Path) -> Imports {
        let source = crate_folder.join("src");
        let files: BTreeMap<Module, PathBuf> = rust_files(&source)
            .into_iter()
            .filter(|file| !file.ends_with("main.rs") && !file.starts_with(source.join("bin")))
            .map(|file| (module_of(file.strip_prefix(&source).unwrap()), file))
            .collect();
        let modules: BTreeSet<&Module> = files.keys().collect();
        let imports = files.iter().map(|(module, file)| {
            let tokens = TokenStream::from_str(&fs::read_to_string(file).unwrap());
            let mut reader =
                Reader { module, at: module.clone(), modules: &modules, found: BTreeSet::new() };
            reader.read(tokens.unwrap_or_else(|error| panic!("{}: {error}", file.display())));
            (module.clone(), reader.found)
        });
        Imports(imports.collect())
    }

    /// Returns a circle of imports, if there is one.
    fn circle(&self) -> Option<Vec<&Module>> {
        let mut finished = BTreeSet::new();
        self.0.keys().find_map(|start| self.circle_from(start, &mut vec![], &mut finished))
    }

    fn circle_from<'a>(
        &'a self,
        module: &'a Module,
        path: &mut Vec<&'a Module>,
        finished: &mut BTreeSet<&'a Module>,
    ) -> Option<Vec<&'a Module>> {
        if let Some(start) = path.iter().position(|earlier| *earlier == module) {
            return Some(path[start..].to_vec());
        }
        if finished.contains(module) {
            return None;
        }
        path.push(module);
        let circle =
            self.0[module].iter().find_map(|import| self.circle_from(import, path, finished));
        path.pop();
        finished.insert(module);
        circle
    }

    /// Returns an import of `cli` or `commands` by a module of an engine, if there is one. The
    /// module that declares them may re-export them.
    fn climb(&self) -> Option<(&Module, &Module)> {
        let level =
            |module: &Module| module.iter().position(|name| name == "cli" || name == "commands");
        let edges =
            self.0.iter().flat_map(|(from, imports)| imports.iter().map(move |to| (from, to)));
        edges.into_iter().find(|(from, to)| {
            level(to).is_some_and(|depth| level(from).is_none() && **from != to[..depth])
        })
    }
}

/// Collects the modules that the tokens of one module name.
struct Reader<'a> {
    module: &'a Module,
    /// The module that is being read: that of the file, or one inside braces in it.
    at: Module,
    modules: &'a BTreeSet<&'a Module>,
    found: BTreeSet<Module>,
}

impl Reader<'_> {
    fn read(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut index = 0;
        while index < tokens.len() {
            if is_test_attribute(&tokens[index..]) {
                index = end_of_item(&tokens, index + 2);
                continue;
            }
            // `pub(in crate::report)` imports nothing.
            let is_import = index == 0
                || !is_colon(&tokens[index - 1]) && tokens[index - 1].to_string() != "in";
            match &tokens[index..] {
                [TokenTree::Ident(word), TokenTree::Ident(name), TokenTree::Group(body), ..]
                    if word == "mod" =>
                {
                    self.at.push(name.to_string());
                    self.read(body.stream());
                    self.at.pop();
                    index += 2;
                }
                [TokenTree::Group(group), ..] => self.read(group.stream()),
                [TokenTree::Ident(name), rest @ ..] if is_import && is_path(rest) => {
                    if let Some((base, rest)) = self.base(&name.to_string(), &tokens[index..]) {
                        self.resolve(base, rest);
                    }
                }
                _ => {}
            }
            index += 1;
        }
    }

    /// Returns the module with which a path begins, and the tokens after its `::`; `None` for paths
    /// to other crates.
    fn base<'t>(&self, name: &str, tokens: &'t [TokenTree]) -> Option<(Module, &'t [TokenTree])> {
        let child = [self.module.as_slice(), &[name.to_string()]].concat();
        match name {
            "crate" => Some((vec![], &tokens[3..])),
            "self" => Some((self.at.clone(), &tokens[3..])),
            "super" => {
                let parent = self.at[..self.at.len().saturating_sub(1)].to_vec();
                Some((parent, &tokens[3..]))
            }
            _ if self.modules.contains(&child) => Some((child, &tokens[3..])),
            _ => None,
        }
    }

    /// Follows a path, whose last part may be a tree in braces, to the files that it names.
    fn resolve(&mut self, mut at: Module, tokens: &[TokenTree]) {
        let mut rest = tokens;
        loop {
            match rest.first() {
                Some(TokenTree::Ident(name)) if name == "super" => {
                    at.pop();
                }
                Some(TokenTree::Ident(name)) => {
                    let deeper = [at.as_slice(), &[name.to_string()]].concat();
                    if !self.modules.contains(&deeper) {
                        break;
                    }
                    at = deeper;
                }
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    let tree: Vec<TokenTree> = group.stream().into_iter().collect();
                    tree.split(|token| matches!(token, TokenTree::Punct(p) if p.as_char() == ','))
                        .filter(|branch| !branch.is_empty())
                        .for_each(|branch| self.resolve(at.clone(), branch));
                    return;
                }
                Some(TokenTree::Punct(_) | TokenTree::Literal(_) | TokenTree::Group(_)) | None => {
                    break;
                }
            }
            if !is_path(&rest[1..]) {
                break;
            }
            rest = &rest[3..];
        }
        if at != *self.module && self.modules.contains(&at) {
            self.found.insert(at);
        }
    }
}

fn is_colon(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':')
}

/// Returns whether the tokens begin with `::` and something after it.
fn is_path(tokens: &[TokenTree]) -> bool {
    tokens.len() > 2 && is_colon(&tokens[0]) && is_colon(&tokens[1])
}

fn is_test_attribute(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [TokenTree::Punct(hash), TokenTree::Group(attribute), ..]
        if hash.as_char() == '#' && attribute.to_string().replace(' ', "") == "[cfg(test)]")
}

/// Returns the index after the item that begins at `start`.
fn end_of_item(tokens: &[TokenTree], start: usize) -> usize {
    let is_end = |token: &TokenTree| match token {
        TokenTree::Punct(punct) => punct.as_char() == ';',
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Ident(_) | TokenTree::Literal(_) => false,
    };
    tokens[start..].iter().position(is_end).map_or(tokens.len(), |length| start + length + 1)
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries
        .flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    files.sort();
    files
}

fn module_of(file: &Path) -> Module {
    let names = file.with_extension("");
    let mut names: Module = names.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    names.pop_if(|last| ["mod", "lib"].contains(&last.as_str()));
    names
}

/// Returns every fault of a crate; `name` is its folder.
fn faults(root: &Path, name: &str) -> Vec<String> {
    let imports = Imports::read(&root.join(name));
    let text = |module: &Module| format!("{name}::{}", module.join("::"));
    let circle = imports.circle().map(|circle| {
        let names: Vec<String> = circle.into_iter().map(text).collect();
        format!("a circle of imports: {}", names.join(" -> "))
    });
    let climb = imports.climb().map(|(from, to)| format!("{} imports {}", text(from), text(to)));
    let long = rust_files(&root.join(name).join("src")).into_iter().filter_map(|file| {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        let is_tests = file.ends_with("tests.rs") || file.parent().unwrap().ends_with("tests");
        let limit = match file.file_name().unwrap().to_str().unwrap() {
            "lib.rs" => MAX_LIB_LINES,
            "main.rs" => MAX_MAIN_LINES,
            _ => MAX_LINES,
        };
        let file = file.strip_prefix(root).unwrap().display().to_string();
        (lines > limit && !is_tests).then(|| format!("{file} has {lines} lines, over {limit}"))
    });
    let other_stages = other_stages(root, name);
    circle.into_iter().chain(climb).chain(long).chain(other_stages).collect()
}

/// Returns the stages that the manifest of a stage depends on, each as a fault.
fn other_stages(root: &Path, name: &str) -> Vec<String> {
    let manifest = fs::read_to_string(root.join(name).join("Cargo.toml")).unwrap();
    let dependencies = manifest.split("\n[").find(|part| part.starts_with("dependencies]"));
    let lines = dependencies.unwrap_or_default().lines();
    let names = lines.filter_map(|line| line.split(['.', ' ', '=']).next());
    names
        .filter(|dependency| STAGES.contains(dependency))
        .map(|dependency| format!("{name} depends on the stage {dependency}"))
        .collect()
}

#[test]
fn every_crate_keeps_to_the_floor_plan() {
    let crates = STAGES.into_iter().chain(OTHER_CRATES);
    let faults: Vec<String> = crates.flat_map(|name| faults(&root(), name)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A crate with these files in a new folder.
fn invented(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (file, text) in files {
        let path = dir.path().join("stage").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

#[test]
fn each_fault_is_found() {
    let manifest =
        ("Cargo.toml", "[package]\nname = \"stage\"\n\n[dependencies]\nanyhow = \"1\"\n");
    let lib = ("src/lib.rs", "mod cli;\nmod engine;\npub use cli::Args;\n");
    let cli = ("src/cli.rs", "use crate::engine::a::A;\npub struct Args(A);\n");
    let engine = ("src/engine/mod.rs", "pub mod a;\nmod b;\n");
    let a =
        ("src/engine/a.rs", "pub struct A;\n#[cfg(test)]\nmod tests {\n    use crate::cli;\n}\n");
    let b = ("src/engine/b.rs", "fn b() { print!(\"{:?}\", super::a::A); }\n");
    let plan = [manifest, lib, cli, engine, a, b];
    let lines = |count| "\n".repeat(count);
    let (long, long_lib, long_main) = (lines(401), lines(60), lines(21));
    let depends = "[package]\n\n[dependencies]\ncommon.workspace = true\ntrain.workspace = true\n";
    let found = |changed: (&str, &str)| {
        let files: Vec<_> = plan.into_iter().filter(|file| file.0 != changed.0).collect();
        faults(invented(&[files, vec![changed]].concat()).path(), "stage")
    };
    assert_eq!(found(a), [""; 0]);
    let one = |changed, fault: &str| {
        let found = found(changed);
        assert!(found.len() == 1 && found[0].contains(fault), "{found:?} is not {fault}");
    };
    one(("src/engine/a.rs", "use super::b;\npub struct A;\n"), "a circle of imports");
    one(("src/engine/a.rs", "use crate::{engine::{b as c}};\n"), "a circle of imports");
    one(("src/engine/b.rs", "fn b() -> crate::cli::Args { todo!() }\n"), "imports stage::cli");
    one(("src/engine/b.rs", &long), "has 401 lines");
    one(("src/lib.rs", &long_lib), "has 60 lines");
    one(("src/main.rs", &long_main), "has 21 lines");
    one(("Cargo.toml", depends), "depends on the stage train");
}
