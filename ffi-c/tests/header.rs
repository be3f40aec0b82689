//! The header's list of codes is the core's.

use sessile::Code;

const HEADER: &str = include_str!("../../include/sessile.h");

#[test]
fn the_header_has_every_code_and_no_other() {
    let start = HEADER.find("SESSILE_OK = 0,").expect("the enum of the codes");
    let enumerators = &HEADER[start..start + HEADER[start..].find('}').expect("its end")];
    let given: Vec<&str> = enumerators.lines().map(str::trim).filter(|line| line.starts_with("SESSILE_")).collect();
    let mut wanted = vec!["SESSILE_OK = 0,".to_owned()];
    wanted.extend(Code::ALL.iter().map(|code| format!("SESSILE_{} = {},", code.name(), code.number())));
    assert_eq!(given, wanted);
}

#[test]
fn every_exported_function_is_declared() {
    let sources = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).expect("the sources of this crate");
    let mut functions = 0;
    for source in sources {
        let text = std::fs::read_to_string(source.expect("a source").path()).expect("a source of this crate");
        for declared in text.split("pub extern \"C\" fn ").skip(1) {
            let name = &declared[..declared.find('(').expect("its parameters")];
            assert!(HEADER.contains(&format!("{name}(")), "{name} is missing in include/sessile.h: make c-header");
            functions += 1;
        }
    }
    assert!(functions > 90, "{functions} functions found");
}
