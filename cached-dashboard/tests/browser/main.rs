//! The page in a real browser.

mod chromium;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use cached_runtime::{Cache, FunctionStats};
use serde_json::Value;

use crate::chromium::{Browser, in_chromium};
use crate::support::{Service, busy, count_visits, find_user};

/// As the page writes it.
fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn percent(ratio: Option<f64>) -> String {
    ratio.map_or("–".to_owned(), |ratio| format!("{:.1} %", ratio * 100.0))
}

/// Three digits of it, rounded half up.
fn duration(duration: Option<Duration>) -> String {
    let Some(micros) = duration.map(|duration| duration.as_micros()) else { return "–".to_owned() };
    let (whole, unit) = match micros {
        0..1_000 => return format!("{micros} µs"),
        1_000..1_000_000 => (1_000, "ms"),
        _ => (1_000_000, "s"),
    };
    let decimals = match micros / whole {
        0..10 => 2,
        10..100 => 1,
        _ => 0,
    };
    let shift = 10_u128.pow(decimals);
    let rounded = (micros * shift + whole / 2) / whole;
    let (before, after) = (rounded / shift, rounded % shift);
    let after = if decimals == 0 { String::new() } else { format!(".{after:0>width$}", width = decimals as usize) };
    format!("{before}{} {unit}", after.trim_end_matches('0').trim_end_matches('.'))
}

#[test]
fn durations_are_written_as_the_page_writes_them() {
    let written = |micros| duration(Some(Duration::from_micros(micros)));
    let all = [999, 1_000, 1_125, 4_100, 9_995, 12_340, 115_400, 2_500_000].map(written);
    assert_eq!(all, ["999 µs", "1 ms", "1.13 ms", "4.1 ms", "10 ms", "12.3 ms", "115 ms", "2.5 s"]);
}

async fn cell(browser: &Browser, table: &str, name: &str, key: &str) -> Value {
    let cell = format!("#{table} [data-function=\"{name}\"] [data-key=\"{key}\"]");
    browser.run(&format!("return document.querySelector('{cell}')?.textContent ?? null")).await
}

async fn tile(browser: &Browser, key: &str) -> Value {
    browser.run(&format!("return document.querySelector('[data-tile=\"{key}\"] b').textContent")).await
}

/// What is shown of a function is what was counted.
async fn is_shown(browser: &Browser, stats: &FunctionStats) {
    let reads = stats.requests.total() > 0;
    let if_read = |text: String| if reads { text } else { "–".to_owned() };
    let mut expected = vec![
        ("calls", if_read(count(stats.requests.total()))),
        ("hit_ratio", percent(stats.hit_ratio())),
        ("loads", if_read(count(stats.loads))),
        ("saved", if_read(count(stats.hits + stats.coalesced))),
        ("failures", if_read(count(stats.failures))),
        ("invalidations", count(stats.invalidations)),
        ("stores", count(stats.stores)),
        ("coalesced", count(stats.coalesced)),
        ("p50", duration(stats.load_latency.p50())),
        ("p95", duration(stats.load_latency.p95())),
        ("p99", duration(stats.load_latency.p99())),
    ];
    expected.extend(stats.requests.by_result().map(|(result, calls)| (result, count(calls))));
    for (key, expected) in expected {
        assert_eq!(cell(browser, "functions", stats.name, key).await, expected, "{key} of {}", stats.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_numbers_on_the_page_are_those_of_the_cache_and_follow_them() {
    let cache = Cache::in_memory();
    let service = Service::showing(&cache).await;
    busy(&cache).await;
    cache.scope(async { count_visits(vec![1, 2, 3]).await }).await.expect("they are queued");
    in_chromium(async move |browser| {
        browser.open(&service.page()).await;
        for _ in 0..2 {
            let stats = cache.stats();
            let calls = count(stats.total().requests.total());
            browser
                .until(
                    "all calls are shown",
                    &format!("document.querySelector('[data-tile=calls] b')?.textContent === '{calls}'"),
                )
                .await;
            assert_eq!(tile(&browser, "hit_ratio").await, percent(stats.total().hit_ratio()));
            assert_eq!(tile(&browser, "saved").await, count(stats.total().hits + stats.total().coalesced));
            assert_eq!(tile(&browser, "loads").await, count(stats.total().loads));
            assert_eq!(tile(&browser, "queued").await, "0");
            assert_eq!(tile(&browser, "behind").await, "3");
            assert_eq!(tile(&browser, "store").await, "in use");
            for function in &stats.functions {
                is_shown(&browser, function).await;
            }
            cache.scope(async { drop(find_user(4711).await) }).await;
        }
        let said = "const { duration } = await import(document.baseURI + 'words.js');
            return [999, 1000, 1125, 4100, 9995, 12340, 115400, 2500000].map(duration).join()";
        assert_eq!(browser.run(said).await, "999 µs,1 ms,1.13 ms,4.1 ms,10 ms,12.3 ms,115 ms,2.5 s");
        for listed in cache.inventory() {
            let shown = async |key| cell(&browser, "inventory", listed.name, key).await;
            assert_eq!(shown("template").await, listed.template);
            assert_eq!(shown("ttl").await, listed.ttl.as_deref().unwrap_or("–"));
            assert_eq!(
                shown("options").await,
                if listed.options.is_empty() { "–".to_owned() } else { listed.options.concat() }
            );
            assert_eq!(shown("place").await, format!("{}:{}", listed.file, listed.line));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_program_says_is_text_and_nothing_comes_from_elsewhere() {
    let cache = Cache::in_memory();
    let service = Service::showing(&cache).await;
    busy(&cache).await;
    in_chromium(async move |browser| {
        browser.open(&service.page()).await;
        browser.until("the functions are shown", "document.querySelector('#inventory tbody')").await;
        let shown = browser.run("return document.body.innerText").await;
        assert!(shown.as_str().unwrap().contains("<<img src=x onerror=document.body.remove()>>&amp;:<id>"), "{shown}");
        assert_eq!(browser.run("return document.images.length").await, 0);
        browser.until("four charts", "document.querySelectorAll('canvas').length === 4").await;
        let elsewhere = "return performance.getEntriesByType('resource').map(({ name }) => name)
            .filter((name) => !name.startsWith(location.origin + '/cache/'))";
        assert_eq!(browser.run(elsewhere).await, Value::Array(Vec::new()));
        assert_eq!(browser.complaints().await, Vec::<Value>::new());
    })
    .await;
}

/// Whether each chart has drawn something.
const DRAWN: &str = "[...document.querySelectorAll('canvas')].filter((canvas) => canvas.getContext('2d')
    .getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0)).length === 4";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_light_or_dark_as_the_reader_wants_it_and_fits_a_phone() {
    let cache = Cache::in_memory();
    let service = Service::showing(&cache).await;
    busy(&cache).await;
    in_chromium(async move |browser| {
        browser.open(&service.page()).await;
        let background = "return getComputedStyle(document.body).backgroundColor";
        let mut seen = Vec::new();
        for (width, scheme) in [(1280, "light"), (1280, "dark"), (360, "dark"), (360, "light")] {
            browser.show_as(width, scheme).await;
            browser.until("it is drawn", DRAWN).await;
            seen.push(browser.run(background).await);
            let fits = "return document.documentElement.scrollWidth <= innerWidth";
            assert_eq!(browser.run(fits).await, true, "it is wider than {width} pixels");
        }
        assert!(seen[0] != seen[1] && seen[1] == seen[2] && seen[0] == seen[3], "{seen:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_nobody_answers_it_says_so_and_keeps_its_figures() {
    let cache = Cache::in_memory();
    let service = Service::showing(&cache).await;
    busy(&cache).await;
    in_chromium(async move |browser| {
        browser.open(&service.page()).await;
        browser.until("the functions are shown", "document.querySelector('#functions tbody')").await;
        let calls = tile(&browser, "calls").await;
        drop(service);
        browser.until("it says so", "document.getElementById('heard').textContent.startsWith('no answer since')").await;
        assert_eq!(tile(&browser, "calls").await, calls);
    })
    .await;
}
