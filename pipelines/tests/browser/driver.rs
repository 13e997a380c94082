//! A headless Chromium that shows one page.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use headless_chrome::protocol::cdp::types::{Event, Method};
use headless_chrome::{Browser, LaunchOptions, Tab};
use serde::Serialize;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Flags that keep the browser from calling anybody.
const FLAGS: [&str; 6] = [
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];

/// Sends a command of the DevTools protocol, of which the library would want every optional part.
macro_rules! command {
    ($type:ident, $name:literal) => {
        #[derive(Debug, Serialize)]
        struct $type(Value);

        impl Method for $type {
            const NAME: &'static str = $name;
            type ReturnObject = Value;
        }
    };
}

command!(SetDeviceMetrics, "Emulation.setDeviceMetricsOverride");
command!(SetMedia, "Emulation.setEmulatedMedia");
command!(DisableScripts, "Emulation.setScriptExecutionDisabled");
command!(Mouse, "Input.dispatchMouseEvent");
command!(Screenshot, "Page.captureScreenshot");

/// A page in a browser of its own, with what went wrong in it.
pub(crate) struct Page {
    tab: Arc<Tab>,
    faults: Arc<Mutex<Vec<String>>>,
    _profile: tempfile::TempDir,
    _browser: Browser,
}

impl Page {
    /// Starts a browser that runs scripts, or none.
    pub(crate) fn new(chromium: &Path, scripts: bool) -> Page {
        let profile = tempfile::tempdir().unwrap();
        let browser = Browser::new(LaunchOptions {
            path: Some(chromium.to_path_buf()),
            user_data_dir: Some(profile.path().to_path_buf()),
            sandbox: false,
            args: FLAGS.iter().map(OsStr::new).collect(),
            idle_browser_timeout: Duration::from_secs(120),
            ..LaunchOptions::default()
        })
        .unwrap();
        let tab = browser.new_tab().unwrap();
        tab.set_default_timeout(Duration::from_secs(60));
        let faults = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&faults);
        tab.add_event_listener(Arc::new(move |event: &Event| {
            let fault = match event {
                Event::RuntimeExceptionThrown(thrown) => {
                    Some(format!("{:?}", thrown.params.exception_details))
                }
                Event::LogEntryAdded(added) => Some(added.params.entry.text.clone()),
                _ => None,
            };
            listener.lock().unwrap().extend(fault);
        }))
        .unwrap();
        tab.enable_log().unwrap();
        tab.enable_runtime().unwrap();
        let page = Page { tab, faults, _profile: profile, _browser: browser };
        page.send(DisableScripts(json!({"value": !scripts})));
        page
    }

    fn send(&self, command: impl Method + Serialize) {
        self.tab.call_method(command).unwrap();
    }

    /// Sets the size and the medium: `screen` or `print`, `light` or `dark`.
    pub(crate) fn set_medium(&self, width: u32, medium: &str, scheme: &str) {
        self.send(SetDeviceMetrics(json!({
            "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600,
        })));
        self.send(SetMedia(json!({
            "media": medium, "features": [{"name": "prefers-color-scheme", "value": scheme}],
        })));
    }

    /// Loads a file.
    pub(crate) fn open(&self, file: &Path) {
        let url = format!("file://{}", file.display());
        self.tab.navigate_to(&url).unwrap().wait_until_navigated().unwrap();
    }

    /// Returns what an expression gives, as JSON.
    pub(crate) fn json(&self, expression: &str) -> Value {
        let wrapped = format!("(async () => JSON.stringify((await ({expression})) ?? null))()");
        let found = self.tab.evaluate(&wrapped, true).unwrap();
        let text = found.value.as_ref().unwrap_or_else(|| panic!("{expression}: {found:?}"));
        serde_json::from_str(text.as_str().unwrap()).unwrap()
    }

    /// Runs statements.
    pub(crate) fn run(&self, script: &str) {
        self.json(&format!("(() => {{ {script} }})()"));
    }

    /// Runs a program's text at the top of the page.
    pub(crate) fn load_script(&self, text: &str) {
        self.tab.evaluate(&format!("{text};\n0"), false).unwrap();
    }

    /// Moves the mouse, with its button up or down.
    pub(crate) fn mouse(&self, kind: &str, x: f64, y: f64) {
        let down = kind != "mouseMoved";
        self.send(Mouse(json!({
            "type": kind, "x": x, "y": y,
            "button": if down { "left" } else { "none" }, "clickCount": i32::from(down),
        })));
    }

    pub(crate) fn click(&self, x: f64, y: f64) {
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            self.mouse(kind, x, y);
        }
    }

    pub(crate) fn press(&self, key: &str) {
        self.tab.press_key(key).unwrap();
    }

    /// Returns errors of scripts and violations of the policy since the last call.
    pub(crate) fn faults(&self) -> Vec<String> {
        // A round trip, after which earlier events have arrived.
        self.json("1");
        std::mem::take(&mut *self.faults.lock().unwrap())
    }

    /// Returns a picture of the page's top, or of the whole page, as PNG.
    pub(crate) fn picture(&self, height: Option<u32>) -> Vec<u8> {
        let width = self.json("innerWidth");
        let all = self.json("document.documentElement.scrollHeight");
        let height = height.map_or(all, Value::from);
        let clip = json!({"x": 0, "y": 0, "width": width, "height": height, "scale": 1});
        let wanted = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let taken = self.tab.call_method(Screenshot(wanted)).unwrap();
        STANDARD.decode(taken["data"].as_str().unwrap()).unwrap()
    }

    /// Returns the page on paper.
    pub(crate) fn pdf(&self) -> Vec<u8> {
        self.tab.print_to_pdf(None).unwrap()
    }
}
