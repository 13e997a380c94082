//! Sensors in a fake sysfs.

use super::*;
use crate::fake_sysfs::FakeSysfs;

/// As on a Jetson Orin Nano: three rails, the last two fed from the first, their shunt
/// voltages, and sums.
fn jetson() -> FakeSysfs {
    let sysfs = FakeSysfs::new();
    let write =
        |file: &str, text: &str| sysfs.write_at(&format!("class/hwmon/hwmon1/{file}"), text);
    write("name", "ina3221\n");
    for (number, label, millivolts, milliamperes) in
        [(1, "VDD_IN", 5_000, 1_200), (2, "VDD_CPU_GPU_CV", 4_950, 400), (3, "VDD_SOC", 4_950, 300)]
    {
        write(&format!("in{number}_label"), &format!("{label}\n"));
        write(&format!("in{number}_input"), &format!("{millivolts}\n"));
        write(&format!("curr{number}_input"), &format!("{milliamperes}\n"));
        write(&format!("in{}_input", number + 3), "12\n");
    }
    write("in7_label", "sum of shunt voltages\n");
    write("in7_input", "36\n");
    write("curr4_input", "1900\n");
    sysfs
}

fn wanted(chip: &str, rail: Option<&str>) -> Hwmon {
    Hwmon { chip: chip.into(), rail: rail.map(|rail| Rails::One(rail.into())) }
}

fn sum(chip: &str, rails: &[&str]) -> Hwmon {
    Hwmon {
        chip: chip.into(),
        rail: Some(Rails::Sum(rails.iter().map(ToString::to_string).collect())),
    }
}

/// Writes a chip with these files; its folder has this number, and its link leads to the address.
fn chip(sysfs: &FakeSysfs, number: usize, address: Option<&str>, files: &[(&str, &str)]) {
    for (file, text) in files {
        sysfs.write_at(&format!("class/hwmon/hwmon{number}/{file}"), &format!("{text}\n"));
    }
    if let Some(address) = address {
        let link = sysfs.root().join(format!("class/hwmon/hwmon{number}/device"));
        std::os::unix::fs::symlink(format!("../../../{address}"), link).unwrap();
    }
}

/// Power and name of the sensor that is opened.
fn shown(sysfs: &FakeSysfs, wanted: &Hwmon) -> (f64, String) {
    let all = all(&BoardFiles::Local, sysfs.root()).unwrap();
    let name = open(BoardFiles::Local, sysfs.root(), wanted).unwrap().counters()[0].name.clone();
    let rails = wanted.rail.iter().flat_map(Rails::names).map(Some);
    let rails = if wanted.rail.is_none() { vec![None] } else { rails.collect() };
    let found = rails.into_iter().map(|rail| one(&all, &wanted.chip, rail).unwrap().clone());
    (watts(&BoardFiles::Local, &found.collect::<Vec<_>>()).unwrap(), name)
}

fn names(sysfs: &FakeSysfs) -> Vec<String> {
    super::names(&BoardFiles::Local, sysfs.root()).unwrap()
}

fn refusal(sysfs: &FakeSysfs, wanted: &Hwmon) -> String {
    open(BoardFiles::Local, sysfs.root(), wanted).unwrap_err().to_string()
}

#[test]
fn only_the_input_rail_is_read() {
    let sysfs = jetson();
    let input = shown(&sysfs, &wanted("ina3221", Some("VDD_IN")));
    assert_eq!(input, (6.0, "ina3221 VDD_IN".to_string()), "5 V x 1.2 A");
    assert_eq!(names(&sysfs), ["ina3221 VDD_IN", "ina3221 VDD_CPU_GPU_CV", "ina3221 VDD_SOC"]);
}

#[test]
fn power_computed_by_the_chip_is_preferred_to_volts_times_amperes() {
    let sysfs = FakeSysfs::new();
    for (file, text) in [
        ("name", "ina219"),
        ("in0_input", "1"),
        ("in1_input", "5000"),
        ("curr1_input", "700"),
        ("power1_input", "3520000"),
        ("update_interval", "400"),
    ] {
        sysfs.write_at(&format!("class/hwmon/hwmon0/{file}"), text);
    }
    assert_eq!((names(&sysfs).len(), shown(&sysfs, &wanted("ina219", None)).0), (1, 3.52));
    assert_eq!(
        open(BoardFiles::Local, sysfs.root(), &wanted("ina219", None)).unwrap().tick_s(),
        0.4
    );
    sysfs.write_at("class/hwmon/hwmon0/power1_input", "n/a");
    assert!(refusal(&sysfs, &wanted("ina219", None)).contains("\"n/a\", not a number"));
}

#[test]
fn a_name_that_is_not_of_one_rail_is_refused() {
    let sysfs = jetson();
    let several = refusal(&sysfs, &wanted("ina3221", None));
    assert!(
        several.contains("several channels") && several.contains("ina3221 VDD_SOC"),
        "{several}"
    );
    let other = refusal(&sysfs, &wanted("ina3221", Some("VDD_GPU")));
    assert!(
        other.contains("no chip ina3221 with the rail VDD_GPU, only ina3221 VDD_IN"),
        "{other}"
    );
    assert!(refusal(&FakeSysfs::new(), &wanted("ina219", None)).contains("no power sensor"));
}

#[test]
fn a_sensor_that_vanishes_is_an_error() {
    let sysfs = jetson();
    let sampler =
        open(BoardFiles::Local, sysfs.root(), &wanted("ina3221", Some("VDD_IN"))).unwrap();
    std::fs::remove_file(sysfs.root().join("class/hwmon/hwmon1/curr1_input")).unwrap();
    assert!(sampler.read().unwrap_err().to_string().contains("curr1_input"));
}

#[test]
fn identical_sensors_are_distinguished_by_address() {
    let sysfs = FakeSysfs::new();
    let files = |microwatts| {
        [
            ("name", "ina226"),
            ("in1_input", "1000"),
            ("curr1_input", "7"),
            ("power1_input", microwatts),
        ]
    };
    chip(&sysfs, 2, Some("1-0040"), &files("2000000"));
    chip(&sysfs, 5, None, &files("6000000"));
    assert_eq!(names(&sysfs), ["ina226 1-0040", "ina226 hwmon5"]);
    let several = refusal(&sysfs, &wanted("ina226", None));
    assert!(
        several.contains("ina226: ina226 1-0040, ina226 hwmon5; ")
            && several.contains("such as \"1-0040\""),
        "{several}"
    );
    for (rail, watts) in [
        ("1-0040", 2.0),
        ("hwmon2", 2.0),
        ("1-0040/power1", 2.0),
        ("hwmon5", 6.0),
        ("ina226/hwmon5/power1", 6.0),
    ] {
        assert_eq!(shown(&sysfs, &wanted("ina226", Some(rail))).0, watts, "{rail}");
    }
    assert!(refusal(&sysfs, &wanted("ina226", Some("power1"))).contains("several channels"));
    assert!(
        refusal(&sysfs, &wanted("ina219", Some("hwmon5")))
            .contains("no chip ina219 with the rail hwmon5")
    );
    // The same chip twice, with the same labels; and channels without labels.
    let rails = [
        ("name", "ina3221"),
        ("in1_label", "A"),
        ("in1_input", "1"),
        ("curr1_input", "1"),
        ("in2_input", "1"),
        ("curr2_input", "1"),
    ];
    let twins = FakeSysfs::new();
    chip(&twins, 0, Some("1-0040"), &rails);
    chip(&twins, 1, Some("1-0041"), &rails);
    let all = ["1-0040/A", "1-0040/in2", "1-0041/A", "1-0041/in2"];
    assert_eq!(names(&twins), all.map(|rail| format!("ina3221 {rail}")));
    for rail in all {
        assert_eq!(shown(&twins, &wanted("ina3221", Some(rail))).1, format!("ina3221 {rail}"));
    }
}

#[test]
fn powers_of_rails_are_added() {
    let sysfs = jetson();
    let of = |rails: &[&str]| sum("ina3221", rails);
    let (watts, name) = shown(&sysfs, &of(&["VDD_CPU_GPU_CV", "VDD_SOC"]));
    assert!((watts - 3.465).abs() < 1e-12, "{watts}");
    assert_eq!(name, "ina3221 VDD_CPU_GPU_CV + ina3221 VDD_SOC");
    chip(
        &sysfs,
        4,
        None,
        &[("name", "ina226"), ("power1_input", "500000"), ("update_interval", "300")],
    );
    let both = of(&["VDD_SOC", "ina226/hwmon4"]);
    assert!((shown(&sysfs, &both).0 - 1.985).abs() < 1e-12);
    assert_eq!(
        open(BoardFiles::Local, sysfs.root(), &both).unwrap().tick_s(),
        0.3,
        "that of the slowest"
    );
    assert!(
        refusal(&sysfs, &of(&["VDD_SOC", "hwmon1/in3"])).contains("names ina3221 VDD_SOC twice")
    );
    assert!(refusal(&sysfs, &of(&["VDD_SOC", "VDD_GPU"])).contains("with the rail VDD_GPU"));
}

/// As on a Jetson AGX Orin: the rail that is named as the input feeds none of the others.
#[test]
fn a_rail_with_less_power_than_another_is_not_the_input() {
    let sysfs = jetson();
    let refused = refusal(&sysfs, &wanted("ina3221", Some("VDD_SOC")));
    assert!(
        refused.contains("ina3221 VDD_IN shows 6.000 W and ina3221 VDD_SOC only 1.485 W"),
        "{refused}"
    );
    assert!((shown(&sysfs, &sum("ina3221", &["VDD_SOC"])).0 - 1.485).abs() < 1e-12, "it is meant");
    assert!(
        (shown(&sysfs, &wanted("ina3221", Some("hwmon1/in3"))).0 - 1.485).abs() < 1e-12,
        "it is meant"
    );
    chip(
        &sysfs,
        0,
        None,
        &[("name", "ina226"), ("power1_label", "12V"), ("power1_input", "9000000")],
    );
    shown(&sysfs, &wanted("ina3221", Some("VDD_IN")));
}

#[test]
fn values_without_a_rail_are_skipped() {
    let sysfs = FakeSysfs::new();
    // PMBus numbers what there is: volts of the input, and amperes of the output.
    let pmbus = [
        ("name", "pmbus"),
        ("in1_label", "vin"),
        ("in1_input", "12000"),
        ("curr1_label", "iout1"),
        ("curr1_input", "1000"),
    ];
    chip(&sysfs, 0, None, &pmbus);
    chip(
        &sysfs,
        1,
        None,
        &[
            ("name", "tps"),
            ("in1_label", "vin"),
            ("in1_input", "12000"),
            ("curr1_label", "iin"),
            ("curr1_input", "500"),
        ],
    );
    let nc = [("in1_label", "NC"), ("in1_input", "0"), ("curr1_input", "0")];
    let off = [("in2_enable", "0"), ("in2_input", "0"), ("curr2_input", "0")];
    chip(&sysfs, 2, None, &[&[("name", "ina3221")], &nc[..], &off].concat());
    chip(
        &sysfs,
        3,
        None,
        &[("name", "other"), ("in4_label", "Sum of all"), ("in4_input", "9"), ("curr4_input", "9")],
    );
    assert_eq!(names(&sysfs), ["tps vin"]);
}

#[test]
fn the_tick_of_a_mean_is_its_averaging_time() {
    let sysfs = FakeSysfs::new();
    chip(
        &sysfs,
        0,
        Some("ACPI000D:00"),
        &[("name", "power_meter"), ("power1_average", "182000000")],
    );
    let meter = wanted("power_meter", None);
    assert_eq!(shown(&sysfs, &meter), (182.0, "power_meter".to_string()));
    let tick_s = || open(BoardFiles::Local, sysfs.root(), &meter).unwrap().tick_s();
    assert_eq!(tick_s(), 1.0);
    chip(&sysfs, 0, None, &[("power1_average_interval", "2500")]);
    assert_eq!(tick_s(), 2.5);
    for unknown in [
        "4294967295000",
        "4294967295",
        "2147483647000",
        "9223372036854775807",
        "-9223372036854775808",
    ] {
        chip(&sysfs, 0, None, &[("power1_average", unknown)]);
        let why = refusal(&sysfs, &meter);
        assert!(
            why.contains(&format!(
                "power1_average: it shows {unknown}, which stands for an unknown power"
            )),
            "{why}"
        );
    }
    chip(&sysfs, 0, None, &[("power1_input", "3000000")]);
    assert_eq!(shown(&sysfs, &meter).0, 3.0, "the present power is preferred");
}

#[test]
fn hidden_chips_are_an_error() {
    let sysfs = FakeSysfs::new();
    std::fs::create_dir_all(sysfs.root().join("class/hwmon")).unwrap();
    std::os::unix::fs::symlink(
        "../../devices/none/hwmon0",
        sysfs.root().join("class/hwmon/hwmon0"),
    )
    .unwrap();
    let why = refusal(&sysfs, &wanted("ina219", None));
    assert!(
        why.contains("hwmon0/name: ") && why.contains("lead nowhere, as in a container"),
        "{why}"
    );
}
