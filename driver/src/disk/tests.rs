//! What was said to be durable is there after a restart, and nothing else is claimed.

use super::*;

/// A folder of its own for each test, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("diptych-{}-{name}", std::process::id()));
        _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

const P: JournalName = JournalName { role: Role::PRIMARY, device: 1 };

#[test]
fn journals_come_back_as_they_were_left() {
    // [TRANSPORT-20]
    let scratch = Scratch::new("journals");
    let replaced = JournalName { role: Role::new(1).unwrap(), device: 2 };
    {
        let mut folder = Folder::open(&scratch.0).unwrap();
        folder.append(P, b"one").unwrap();
        folder.append(replaced, b"other").unwrap();
        folder.append(P, b"two").unwrap();
        folder.sync().unwrap();
    }
    let mut folder = Folder::open(&scratch.0).unwrap();
    let found = folder.journals().unwrap();
    assert_eq!(found, BTreeMap::from([(P, b"onetwo".to_vec()), (replaced, b"other".to_vec())]));
    assert!(scratch.0.join("A1.2.journal").exists());

    // Replaying found that "two" is torn: cut, then go on from there.
    folder.truncate(P, 4).unwrap();
    folder.append(P, b"W").unwrap();
    folder.truncate(P, 100).unwrap();
    assert_eq!(folder.journals().unwrap()[&P], b"onetW");
}

#[test]
fn names_that_we_did_not_write_are_left_alone() {
    for foreign in ["P.1.journal", "A0.journal", "A9.journal", "A01.journal", "P.journal.bak", "x"]
    {
        assert_eq!(journal_name(foreign), None, "{foreign}");
    }
    assert_eq!(journal_name("P.journal"), Some(P));
}

#[test]
fn a_second_process_is_told_that_the_folder_is_in_use() {
    let scratch = Scratch::new("lock");
    let first = Folder::open(&scratch.0).unwrap();
    let refused = Folder::open(&scratch.0).unwrap_err();
    assert_eq!(refused.problem, StorageProblem::InUse);
    assert!(refused.to_string().contains("another running"), "{refused}");
    drop(first);
    Folder::open(&scratch.0).unwrap();
}

#[test]
fn storing_replaces_the_whole_and_survives_a_crash_before_the_rename() {
    // [TRANSPORT-20]
    let scratch = Scratch::new("store");
    let mut folder = Folder::open(&scratch.0).unwrap();
    assert_eq!(folder.load(Private::State).unwrap(), None);
    folder.store(Private::State, b"a long first version").unwrap();
    // A crash while the next version was being written.
    std::fs::write(scratch.0.join("state.new"), b"half a sec").unwrap();
    drop(folder);
    let mut folder = Folder::open(&scratch.0).unwrap();
    assert_eq!(folder.load(Private::State).unwrap().unwrap().expose(), b"a long first version");
    folder.store(Private::State, b"second").unwrap();
    assert_eq!(folder.load(Private::State).unwrap().unwrap().expose(), b"second");
    assert!(!scratch.0.join("state.new").exists());
}

#[cfg(unix)]
#[test]
fn private_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let scratch = Scratch::new("mode");
    let mut folder = Folder::open(&scratch.0).unwrap();
    folder.store(Private::Key, b"secret").unwrap();
    let mode = std::fs::metadata(scratch.0.join("identity.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn after_one_failed_write_nothing_is_written_any_more() {
    let scratch = Scratch::new("broken");
    let mut folder = Folder::open(&scratch.0).unwrap();
    folder.append(P, b"before").unwrap();
    // The private file's place is taken by a folder: renaming over it must fail.
    std::fs::create_dir_all(scratch.0.join("state").join("x")).unwrap();
    let first = folder.store(Private::State, b"state").unwrap_err();
    assert_eq!(folder.append(P, b"after"), Err(first.clone()));
    assert_eq!(folder.sync(), Err(first));
    assert_eq!(folder.journals().unwrap()[&P], b"before", "reading still works");
}

#[test]
fn a_file_beyond_its_bound_is_refused_before_it_fills_the_memory() {
    let scratch = Scratch::new("large");
    let mut folder = Folder::open(&scratch.0).unwrap();
    let file = File::create(scratch.0.join("state")).unwrap();
    file.set_len(limits::PRIVATE_FILE_BYTES + 1).unwrap();
    let refused = folder.load(Private::State).unwrap_err();
    assert_eq!(refused.problem, StorageProblem::TooLarge { most: limits::PRIVATE_FILE_BYTES });
}

#[test]
fn a_full_disk_is_told_from_a_forbidden_folder() {
    let path = Path::new("somewhere");
    let full = StorageError::new(path, "append to", &io::ErrorKind::StorageFull.into());
    let denied = StorageError::new(path, "append to", &io::ErrorKind::PermissionDenied.into());
    assert_eq!((full.problem, denied.problem), (StorageProblem::Full, StorageProblem::Denied));
    assert_ne!(full.diagnosis(), denied.diagnosis());
}

#[test]
fn what_rests_on_any_write_that_failed_is_held_back_and_the_app_is_told_once() {
    // [SESSION-1]
    let full = StorageError::new(Path::new("P"), "append to", &io::ErrorKind::StorageFull.into());
    let mut kept = Kept::default();
    kept.note(Err(full.clone()));
    assert!(kept.is_untold());
    assert_eq!(kept.tell(), Some(full.diagnosis()));
    assert!(!kept.is_untold());
    kept.note(Ok(()));
    assert!(!kept.is_untold());
    kept.note(Err(full.clone()));
    assert!(kept.is_untold(), "a later write was no more written than the first");
    assert_eq!(kept.tell(), None);
    assert_eq!(kept.end(), Err(full));
}
