//! The CLAP plug-in's editor in a host's window: drawn, clicked, closed and opened again, while audio runs. Needs an X11
//! display, 1200 by 780 or larger: `cargo xtask test` runs it on a screen of its own.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::clap_host::Host;
use clack_extensions::gui::{GuiApiType, GuiConfiguration, PluginGui, Window};
use clack_host::prelude::PluginEntry;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ConnectionExt as _, CreateWindowAux, ImageFormat, MOTION_NOTIFY_EVENT,
    WindowClass,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

/// All tests here put their windows at the same place, so one at a time has the screen.
static TURN: Mutex<()> = Mutex::new(());

/// The host's screen, and a window on it.
struct Screen {
    _turn: MutexGuard<'static, ()>,
    connection: RustConnection,
    root: u32,
    window: u32,
    size: (u16, u16),
}

impl Screen {
    /// A window at the top left.
    fn open(size: (u16, u16)) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let (connection, number) = x11rb::connect(None).expect("an X11 display");
        let screen = &connection.setup().roots[number];
        let (root, depth, visual) = (screen.root, screen.root_depth, screen.root_visual);
        let window = connection.generate_id().unwrap();
        // No window manager may move it: clicks are aimed at places on the screen.
        let look = CreateWindowAux::new().background_pixel(screen.white_pixel).override_redirect(1);
        let (width, height) = size;
        let class = WindowClass::INPUT_OUTPUT;
        connection.create_window(depth, window, root, 0, 0, width, height, 0, class, visual, &look).unwrap();
        connection.map_window(window).unwrap();
        connection.sync().unwrap();
        Self { _turn: turn, connection, root, window, size }
    }

    /// The share of the window that is dark, as the editor is; the bare window is white.
    fn darkness(&self) -> f32 {
        let (width, height) = self.size;
        let image = self.connection.get_image(ImageFormat::Z_PIXMAP, self.root, 0, 0, width, height, !0);
        let pixels = image.unwrap().reply().unwrap().data;
        let is_dark = |pixel: &&[u8; 4]| pixel[..3].iter().all(|part| *part < 100);
        pixels.as_chunks::<4>().0.iter().filter(is_dark).count() as f32 / (pixels.len() / 4) as f32
    }

    fn click(&self, x: i16, y: i16) {
        let fake = |kind: u8, detail: u8, x: i16, y: i16| {
            self.connection.xtest_fake_input(kind, detail, 0, self.root, x, y, 0).unwrap();
            self.connection.sync().unwrap();
            std::thread::sleep(Duration::from_millis(120));
        };
        fake(MOTION_NOTIFY_EVENT, 0, x, y);
        fake(BUTTON_PRESS_EVENT, 1, x, y);
        fake(BUTTON_RELEASE_EVENT, 1, x, y);
    }
}

trait Sync {
    fn sync(&self) -> Option<()>;
}

impl Sync for RustConnection {
    /// Waits until the server did everything.
    fn sync(&self) -> Option<()> {
        self.get_input_focus().ok()?.reply().ok().map(|_| ())
    }
}

fn host() -> Host {
    // SAFETY: the entry is a static of this very program.
    #[allow(unsafe_code, reason = "the host takes any pointer; this one is a static of this program")]
    let entry = unsafe { PluginEntry::load_from_raw(&unweave::exports::clap_entry, c"") }.unwrap();
    Host::new(&entry, 48_000.0, 2).unwrap()
}

/// Opens the editor in the window; its size.
fn open(host: &mut Host, screen: &Screen) -> (u32, u32) {
    let size = prepare(host, screen);
    show(host);
    size
}

/// Puts the editor into the window, but does not show it yet; its size.
fn prepare(host: &mut Host, screen: &Screen) -> (u32, u32) {
    let handle = host.instance().plugin_handle();
    let gui: PluginGui = handle.get_extension().expect("the plug-in has no editor");
    let embedded = GuiConfiguration { api_type: GuiApiType::X11, is_floating: false };
    assert!(gui.is_api_supported(&handle, embedded) && gui.can_resize(&handle));
    gui.create(&handle, embedded).unwrap();
    let size = gui.get_size(&handle).unwrap();
    // SAFETY: the window outlives the editor, which `close` ends.
    #[allow(unsafe_code, reason = "the plug-in takes any window; this one is the test's own")]
    unsafe { gui.set_parent(&handle, Window::from_x11_handle(screen.window.into())) }.unwrap();
    (size.width, size.height)
}

fn show(host: &mut Host) {
    let handle = host.instance().plugin_handle();
    let gui: PluginGui = handle.get_extension().unwrap();
    gui.show(&handle).unwrap();
}

fn hide(host: &mut Host) {
    let handle = host.instance().plugin_handle();
    let gui: PluginGui = handle.get_extension().unwrap();
    gui.hide(&handle).unwrap();
}

fn close(host: &mut Host) {
    let handle = host.instance().plugin_handle();
    let gui: PluginGui = handle.get_extension().unwrap();
    gui.destroy(&handle);
}

/// Plays, and does what a host does between blocks, until something is so.
fn play_until(host: &mut Host, what: &str, mut is_so: impl FnMut(&mut Host) -> bool) {
    let noise: Vec<f32> = (0..4800).map(|n| ((n * n) as f32 * 0.1).sin() * 0.3).collect();
    let started = Instant::now();
    while !is_so(host) {
        // Half a minute: far more than a busy machine needs to draw a frame.
        assert!(started.elapsed() < Duration::from_secs(30), "{what} did not come");
        host.play(&[noise.clone(), noise.clone()], &[480]).unwrap();
        host.instance().call_on_main_thread_callback();
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
#[ignore = "needs an X11 display"]
fn the_editor_is_drawn_and_clicked_in_a_host_s_window_and_opened_again() {
    let screen = Screen::open((1200, 780));
    let mut host = host();
    for opening in 0..3 {
        assert_eq!(open(&mut host, &screen), (1200, 780));
        play_until(&mut host, "the editor's picture", |_| screen.darkness() > 0.5);
        // The capture button, and Bypass at the bottom.
        for (name, (x, y)) in [("Capture", (188, 38)), ("Bypass", (915, 746))] {
            for expected in [1.0, 0.0] {
                screen.click(x, y);
                play_until(&mut host, name, |host| host.value(name).unwrap() == expected);
            }
        }
        close(&mut host);
        let what = format!("the bare window after opening {opening}");
        play_until(&mut host, &what, |_| screen.darkness() < 0.1);
    }
}

#[test]
#[ignore = "needs an X11 display"]
fn the_editor_is_drawn_when_its_window_is_shown_late_and_shown_again() {
    let screen = Screen::open((1200, 780));
    let mut host = host();
    prepare(&mut host, &screen);
    // A window manager that is just starting, or a busy host, takes many frames to show a window.
    std::thread::sleep(Duration::from_millis(300));
    for showing in 0..3 {
        show(&mut host);
        play_until(&mut host, &format!("the picture of showing {showing}"), |_| screen.darkness() > 0.5);
        hide(&mut host);
        play_until(&mut host, &format!("the bare window after showing {showing}"), |_| screen.darkness() < 0.1);
        std::thread::sleep(Duration::from_millis(300));
    }
    close(&mut host);
}

#[test]
#[ignore = "needs an X11 display"]
fn an_editor_is_closed_as_soon_as_it_is_made() {
    let screen = Screen::open((1200, 780));
    let mut host = host();
    for _ in 0..100 {
        prepare(&mut host, &screen);
        close(&mut host);
        let handle = host.instance().plugin_handle();
        let gui: PluginGui = handle.get_extension().unwrap();
        gui.create(&handle, GuiConfiguration { api_type: GuiApiType::X11, is_floating: false }).unwrap();
        close(&mut host);
    }
}
