//! A disk that lies: nobody is told what was not kept.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::Duration;

use diptych_driver::clock::{BootClock, Clock};
use diptych_driver::diagnosis::Diagnosis;
use diptych_driver::disk::{Disk, Folder, Private};
use diptych_driver::error::{StorageError, StorageProblem};
use diptych_protocol::machine::{JournalName, Lane};
use diptych_protocol::secret::SecretBytes;
use diptych_protocol::time::{Primary, Secondary};

use crate::device::{Device, Parts, pair};
use crate::parrot::{Heard, JOURNAL, Order};

/// Takes some writes, then is full.
struct Filling {
    left: u32,
}

impl Filling {
    fn write(&mut self) -> Result<(), StorageError> {
        let full = StorageError {
            path: "here".into(),
            action: "append to",
            problem: StorageProblem::Full,
        };
        self.left = self.left.checked_sub(1).ok_or(full)?;
        Ok(())
    }
}

impl Disk for Filling {
    fn journals(&mut self) -> Result<BTreeMap<JournalName, Vec<u8>>, StorageError> {
        Ok(BTreeMap::new())
    }

    fn truncate(&mut self, _: JournalName, _: u64) -> Result<(), StorageError> {
        self.write()
    }

    fn append(&mut self, _: JournalName, _: &[u8]) -> Result<(), StorageError> {
        self.write()
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.write()
    }

    fn load(&mut self, _: Private) -> Result<Option<SecretBytes>, StorageError> {
        Ok(None)
    }

    fn store(&mut self, _: Private, _: &[u8]) -> Result<(), StorageError> {
        self.write()
    }
}

/// Whether the write that fails is the append or the sync after it.
async fn a_record_that_is_not_kept_is_told_to_nobody(writes: u32) {
    // [SESSION-1]
    let disk: Box<dyn Disk> = Box::new(Filling { left: writes });
    let mut primary = Device::<Primary>::start(Parts { disk: Some(disk), ..Parts::default() });
    let mut assistant = Device::<Secondary>::new();
    let (here, _) = pair(&mut primary, &mut assistant).await;
    let record = |bytes: &[u8]| Order::Record { bytes: bytes.to_vec(), tell: Some(here) };

    primary.order(record(b"kept")).await;
    primary.heard(|heard| (*heard == Heard::Recorded).then_some(())).await;
    assert_eq!(assistant.received(Lane::Control).await, b"kept");

    primary.order(record(b"lost")).await;
    primary.trouble(Diagnosis::StorageFull).await;
    let told = primary
        .heard(|heard| match heard {
            Heard::Recorded => Some(false),
            Heard::StorageFailed => Some(true),
            _ => None,
        })
        .await;
    assert!(told, "the app was told of a record that was not kept");
    assistant
        .heard(|heard| match heard {
            Heard::Received { bytes, .. } => panic!("the peer was told {bytes:?}"),
            Heard::Disconnected { .. } => Some(()),
            _ => None,
        })
        .await;
    // The machine goes on; the failure is the driver's answer at its end.
    let end = primary.handle.stop().await.unwrap_err();
    assert_eq!(end.problem, StorageProblem::Full);
}

#[tokio::test]
async fn when_the_append_fails() {
    a_record_that_is_not_kept_is_told_to_nobody(2).await;
}

#[tokio::test]
async fn when_the_sync_fails() {
    a_record_that_is_not_kept_is_told_to_nobody(3).await;
}

#[tokio::test]
async fn what_was_recorded_and_stored_is_there_after_the_end() {
    // [TRANSPORT-20]
    let mut device = Device::<Primary>::new();
    device.order(Order::Record { bytes: b"first".to_vec(), tell: None }).await;
    device.order(Order::Store(b"secret".to_vec())).await;
    device.order(Order::Record { bytes: b"second".to_vec(), tell: None }).await;
    device.heard(|heard| (*heard == Heard::Recorded).then_some(())).await;
    device.handle.stop().await.unwrap();
    let mut folder = Folder::open(&device.folder).unwrap();
    assert_eq!(folder.journals().unwrap()[&JOURNAL], b"firstsecond");
    assert_eq!(folder.load(Private::State).unwrap().unwrap().expose(), b"secret");
}

/// Does not finish a sync until it is told to.
struct Stuck {
    begun: mpsc::SyncSender<()>,
    finish: mpsc::Receiver<()>,
}

impl Disk for Stuck {
    fn journals(&mut self) -> Result<BTreeMap<JournalName, Vec<u8>>, StorageError> {
        Ok(BTreeMap::new())
    }

    fn truncate(&mut self, _: JournalName, _: u64) -> Result<(), StorageError> {
        Ok(())
    }

    fn append(&mut self, _: JournalName, _: &[u8]) -> Result<(), StorageError> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        _ = self.begun.try_send(());
        _ = self.finish.recv();
        Ok(())
    }

    fn load(&mut self, _: Private) -> Result<Option<SecretBytes>, StorageError> {
        Ok(None)
    }

    fn store(&mut self, _: Private, _: &[u8]) -> Result<(), StorageError> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_disk_delays_messages_and_not_their_stamps() {
    // [TRANSPORT-11]
    let ((begun, begins), (finished, finish)) = (mpsc::sync_channel(8), mpsc::channel());
    let disk: Box<dyn Disk> = Box::new(Stuck { begun, finish });
    let mut primary = Device::<Primary>::start(Parts { disk: Some(disk), ..Parts::default() });
    let mut assistant = Device::<Secondary>::new();
    let (_, there) = pair(&mut primary, &mut assistant).await;
    // It is answered when it is kept, and so not before the disk goes on. [SESSION-1]
    let (handle, order) =
        (primary.handle.clone(), Order::Record { bytes: b"slow".to_vec(), tell: None });
    let ordered = tokio::spawn(async move { handle.ask(order).await });
    tokio::task::block_in_place(|| begins.recv().unwrap());
    assistant.send(there, Lane::Timing, b"tick").await;
    // The longer the disk is stuck, the more a stamp of the loop would be wrong.
    tokio::time::sleep(Duration::from_millis(700)).await;
    let unstuck = Clock::<Primary>::now(&BootClock::new()).nanos();
    drop(finished);
    let stamp = primary
        .heard(|heard| match heard {
            Heard::Received { lane: Lane::Timing, at, .. } => Some(*at),
            _ => None,
        })
        .await;
    assert!(stamp < unstuck, "stamped {} ns after the disk went on", stamp - unstuck);
    ordered.await.unwrap().unwrap();
}
