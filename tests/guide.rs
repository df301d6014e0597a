//! The guide's page "Step by step" is about the example of that name: its code is the program's, and so are its figures.
//! (The other pages' code is compiled and run with the documentation's.)

use std::path::{Path, PathBuf};

#[path = "../examples/step_by_step/database.rs"]
mod database;
#[path = "../examples/step_by_step/day.rs"]
mod day;
#[path = "../examples/step_by_step/steps.rs"]
mod steps;
#[path = "support/mod.rs"]
mod support;
#[path = "../examples/step_by_step/table.rs"]
mod table;

const PAGE: &str = include_str!("../guide/src/step-by-step.md");
const STEPS: &str = include_str!("../examples/step_by_step/steps.rs");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_step_reads_the_database_as_often_as_the_guide_says() {
    let redis = support::Redis::start();
    let rows = table::table(&redis.url()).await.expect("a day");
    let counted: Vec<String> = rows.iter().map(table::line).collect();
    let written: Vec<&str> = PAGE
        .lines()
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .collect();
    assert_eq!(written, counted);
}

#[test]
fn the_guide_shows_the_program() {
    let program: Vec<&str> = STEPS.lines().map(str::trim).collect();
    let blocks: Vec<&str> =
        PAGE.split("```rust,ignore\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 7, "only {} blocks", blocks.len());
    for block in blocks {
        let lines: Vec<&str> = block.trim_end().lines().map(str::trim).collect();
        assert!(program.windows(lines.len()).any(|window| window == lines), "not in the program:\n{block}");
    }
    // Everything else is compiled.
    for page in pages() {
        let ignored = std::fs::read_to_string(&page).expect("a page").contains(",ignore");
        assert!(!ignored || page.ends_with("step-by-step.md"), "{}", page.display());
    }
}

#[test]
fn every_page_is_in_the_summary_and_every_link_leads_somewhere() {
    let summary = std::fs::read_to_string(guide().join("SUMMARY.md")).expect("a summary");
    for page in pages() {
        let text = std::fs::read_to_string(&page).expect("a page");
        let name = page.file_name().and_then(|name| name.to_str()).expect("a name");
        assert!(name == "SUMMARY.md" || summary.contains(&format!("({name})")), "{name} is not in the summary");
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().unwrap_or_default();
            let leads = path.is_empty() || path.starts_with("https://") || guide().join(path).exists();
            assert!(leads, "{name} links to {target}");
        }
    }
}

#[test]
fn every_page_of_code_is_compiled() {
    let compiled = include_str!("../cached-runtime/src/guide.rs");
    for page in pages() {
        let name = page.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        let has_code = std::fs::read_to_string(&page).expect("a page").contains("```rust\n");
        assert!(!has_code || compiled.contains(&format!("/{name}\"")), "{name} is not in guide.rs");
    }
}

fn guide() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("guide/src")
}

fn pages() -> Vec<PathBuf> {
    let files = std::fs::read_dir(guide()).expect("the guide").map(|file| file.expect("a file").path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}
