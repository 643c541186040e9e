//! What an examinee reads and hears, in two languages.
//!
//! Somebody whose camera has just failed in an exam reads one line, once, in a
//! hurry. So there is one text for each situation, it says what happened and
//! what to do, and it never says more than is known: a warning is no verdict.
//! The key is what an app stores, logs or speaks; the texts may be improved
//! without breaking anybody. Rejected: sentences put together from parts, which
//! are wrong in one of the languages.

/// A language of the texts.
///
/// ```
/// # use diptych_protocol::words::Language;
/// fn of(locale: &str) -> Language {
///     if locale.starts_with("zh") { Language::Chinese } else { Language::English }
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Language {
    /// Simplified Chinese (zh-CN).
    Chinese,
    /// English.
    English,
}

macro_rules! texts {
    ($($variant:ident = $key:literal, $zh:literal, $en:literal;)*) => {
        /// A text by its key; its fields are in braces. `[LEDGER-18]`
        ///
        /// ```
        /// # use diptych_protocol::words::{Language, Text};
        /// let told = Text::Back.fill(Language::English, &[("role", "A1"), ("length", "7")]);
        /// assert_eq!(told, "Camera A1 is recording. It was interrupted for 7 s.");
        /// ```
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Text { $(#[doc = $en] $variant,)* }

        impl Text {
            /// Every text.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The key, which does not change.
            #[must_use]
            pub const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key,)* }
            }

            /// The text, with its fields in braces.
            #[must_use]
            pub const fn template(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$variant, Language::Chinese) => $zh,
                      (Self::$variant, Language::English) => $en,)*
                }
            }
        }
    };
}

texts! {
    PrimaryLost = "loss.primary",
        "主机位录制中断，请立即返回考试界面，剩余 {left} 秒。",
        "The recording of this phone stopped. Return to the exam now: {left} s left.";
    AssistantLost = "loss.assistant",
        "辅机位 {role} 录制中断，请检查该手机，剩余 {left} 秒。",
        "The recording of assistant {role} stopped. Check that phone: {left} s left.";
    LostUnlimited = "loss.unlimited",
        "机位 {role} 录制中断，请尽快恢复。",
        "The recording of camera {role} stopped. Bring it back as soon as you can.";
    SilentStop = "loss.silent",
        "机位 {role} 没有新画面写入，请重新打开相机。",
        "Camera {role} stores no new pictures. Open the camera again.";
    Returning = "loss.returning",
        "机位 {role} 已恢复，请保持 {stable} 秒不要操作。",
        "Camera {role} is back. Leave it alone for {stable} s.";
    Back = "loss.over",
        "机位 {role} 录制正常，本次中断 {length} 秒。",
        "Camera {role} is recording. It was interrupted for {length} s.";
    Withdrawn = "loss.withdrawn",
        "机位 {role} 一直在录制，没有中断。",
        "Camera {role} was recording all the time. Nothing was interrupted.";
    Overdue = "loss.overdue",
        "机位 {role} 中断已超过 {limit} 秒，请继续恢复录制，结果由考试方认定。",
        "Camera {role} was interrupted for more than {limit} s. Bring it back and go on: the exam office decides.";
    AssistantRefused = "assistant.refused",
        "辅机位 {role} 保存的数据与此前不一致，无法继续录制，请用另一部手机扫描新的二维码接替。",
        "The data of assistant {role} changed, so it cannot go on. Scan the new code with another phone.";
    Hidden = "loss.hidden",
        "所有机位恢复录制后将继续显示试题。",
        "The questions come back when every camera records again.";
    Counted = "count.limited",
        "已中断 {confirmed} 次，还可 {remaining} 次。",
        "{confirmed} interruptions so far, {remaining} more allowed.";
    CountedUnlimited = "count.unlimited",
        "已中断 {confirmed} 次。",
        "{confirmed} interruptions so far.";
    CountedPending = "count.pending",
        "另有 {pending} 次待确认，连接恢复后自动核对。",
        "{pending} more may have happened; the phones will check when they are connected.";
    CountExceeded = "count.exceeded",
        "中断次数已超过 {limit} 次，请继续作答，结果由考试方认定。",
        "More than {limit} interruptions. Go on with the exam: the exam office decides.";
    LinkLost = "link.lost",
        "两机位连接断开，录制不受影响，正在自动重连，无需重新扫码。",
        "The phones lost each other. Both go on recording and will connect again; no scan is needed.";
    LinkBack = "link.back",
        "两机位已重新连接。",
        "The phones are connected again.";
    VerdictPass = "verdict.pass",
        "录制符合考试规则，中断 {count} 次。",
        "The recording is within the rules, with {count} interruptions.";
    VerdictFailCount = "verdict.fail.count",
        "中断 {count} 次，超过规定的 {limit} 次，请等待考试方处理。",
        "{count} interruptions, more than the {limit} allowed. The exam office will contact you.";
    VerdictFailDuration = "verdict.fail.duration",
        "有一次中断 {length} 秒，超过规定的 {limit} 秒，请等待考试方处理。",
        "One interruption lasted {length} s, more than the {limit} s allowed. The exam office will contact you.";
    VerdictUndetermined = "verdict.undetermined",
        "部分录制无法确认，将由考试方人工核对，请勿删除手机中的数据。",
        "Part of the recording cannot be confirmed. People will check it: delete nothing on the phones.";
    VerdictNotReady = "verdict.not_ready",
        "候考结束时并非所有机位都在录制，未能进入考试。",
        "Not every camera was recording when the waiting time ended, so the exam did not begin.";
    CauseUnknown = "cause.unknown",
        "原因不明。",
        "The reason is not known.";
    CauseCall = "cause.call",
        "来电占用了屏幕或相机，请开启飞行模式并连接 Wi-Fi。",
        "A call took the screen or the camera. Use flight mode with Wi-Fi.";
    CauseBackground = "cause.background",
        "应用被切到后台，请不要离开考试界面。",
        "The app was put in the background. Stay on the exam screen.";
    CauseScreenLock = "cause.screen_lock",
        "屏幕已锁定或熄灭，请把自动锁定设为“永不”。",
        "The screen was locked or went dark. Set auto-lock to never.";
    CauseCameraTaken = "cause.camera_taken",
        "相机被其他应用占用，请关闭其他应用。",
        "Another app took the camera. Close other apps.";
    CauseMultiApp = "cause.multi_app",
        "分屏或画中画占用了相机，请退出分屏。",
        "Split screen or picture-in-picture took the camera. Leave it.";
    CauseThermal = "cause.thermal",
        "手机过热，请取下保护壳并移到阴凉处。",
        "The phone is too hot. Take its case off and move it into the shade.";
    CauseMicTaken = "cause.mic_taken",
        "麦克风被其他应用占用，请关闭其他应用。",
        "Another app took the microphone. Close other apps.";
    CauseStorageFull = "cause.storage_full",
        "存储空间已满，请删除与考试无关的文件，不要删除考试数据。",
        "The storage is full. Delete files that have nothing to do with the exam, and nothing else.";
    CauseLowPowerOff = "cause.low_power_off",
        "电量耗尽，请连接充电器。",
        "The battery was empty. Connect the charger.";
    CauseCrash = "cause.crash",
        "应用异常退出，请重新打开，录制会自动继续。",
        "The app crashed. Open it again: the recording goes on by itself.";
    CauseOsKill = "cause.os_kill",
        "系统结束了应用，请关闭其他应用后重新打开。",
        "The system ended the app. Close other apps and open it again.";
    CauseForceStop = "cause.force_stop",
        "应用被手动停止，请重新打开。",
        "The app was stopped in the settings. Open it again.";
    CauseReboot = "cause.reboot",
        "手机重新启动，请打开应用，录制会自动继续。",
        "The phone started again. Open the app: the recording goes on by itself.";
    CausePermissionRevoked = "cause.permission_revoked",
        "相机或麦克风权限被关闭，请在设置中重新允许。",
        "A permission was taken away. Give it again in the settings.";
    CausePowerSave = "cause.power_save",
        "省电模式停止了录制，请关闭省电模式。",
        "Power saving stopped the recording. Switch it off.";
    CauseEncoderError = "cause.encoder_error",
        "录制出错，请重新打开相机。",
        "The recording failed. Open the camera again.";
    CauseUserStop = "cause.user_stop",
        "录制被手动停止，请继续录制。",
        "The recording was stopped by hand. Start it again.";
    CloseOkEnd = "close.ok_end", "会话已按计划结束。", "The session ended as planned.";
    CloseOkEndAdvice = "close.ok_end.advice", "无需操作。", "Nothing to do.";
    CloseBadFrame = "close.bad_frame", "收到无法识别的消息。", "A message could not be understood.";
    CloseBadFrameAdvice = "close.bad_frame.advice", "请在两部手机上安装相同版本的应用。", "Install the same version of the app on both phones.";
    CloseFrameTooLarge = "close.frame_too_large", "收到的消息超过允许的长度。", "A message was longer than allowed.";
    CloseFrameTooLargeAdvice = "close.frame_too_large.advice", "请在两部手机上安装相同版本的应用。", "Install the same version of the app on both phones.";
    CloseVersion = "close.version", "两部手机的应用版本不兼容。", "The two apps speak different versions.";
    CloseVersionAdvice = "close.version.advice", "请更新两部手机上的应用。", "Update the app on both phones.";
    CloseOutOfOrder = "close.out_of_order", "收到的消息顺序不对。", "A message came when another was expected.";
    CloseOutOfOrderAdvice = "close.out_of_order.advice", "请重新扫描二维码。", "Scan the code again.";
    CloseTimeout = "close.timeout", "另一部手机没有及时响应。", "The other phone did not answer in time.";
    CloseTimeoutAdvice = "close.timeout.advice", "请让两部手机保持在同一网络，再扫描一次。", "Keep both phones in the same network and scan again.";
    CloseAuthFailed = "close.auth_failed", "扫码证明不正确。", "The proof of having scanned this code was wrong.";
    CloseAuthFailedAdvice = "close.auth_failed.advice", "请扫描屏幕上当前显示的二维码。", "Scan the code that is on the screen now.";
    CloseExpired = "close.expired", "扫描的二维码已过期。", "The code that was scanned has expired.";
    CloseExpiredAdvice = "close.expired.advice", "请扫描屏幕上当前显示的二维码。", "Scan the code that is on the screen now.";
    CloseAlreadyClaimed = "close.already_claimed", "该二维码已被另一部手机使用。", "Another phone has used this code already.";
    CloseAlreadyClaimedAdvice = "close.already_claimed.advice", "请查看主机位：如果那部手机不是您的，请在主机位上将其移除。", "Look at the primary phone: if the other phone is not yours, remove it there.";
    CloseNotPairing = "close.not_pairing", "另一部手机没有在等待配对。", "The other phone is not waiting to be paired.";
    CloseNotPairingAdvice = "close.not_pairing.advice", "请先在主机位上打开二维码，再扫描。", "Open the code on the primary phone, then scan it.";
    CloseWrongExam = "close.wrong_exam", "该二维码属于另一场考试。", "The code belongs to another exam.";
    CloseWrongExamAdvice = "close.wrong_exam.advice", "请确认两部手机打开的是同一场考试。", "Check that both phones opened the same exam.";
    CloseUserDeclined = "close.user_declined", "有一部手机拒绝了配对。", "Pairing was declined on one of the phones.";
    CloseUserDeclinedAdvice = "close.user_declined.advice", "如果是误操作，请重新扫描并同意。", "Scan again and accept, if that was a mistake.";
    CloseCheckCodeMismatch = "close.check_code_mismatch", "两部手机显示的六位数字不一致。", "The six digits on the two screens differ.";
    CloseCheckCodeMismatchAdvice = "close.check_code_mismatch.advice", "请停止操作并联系考试方：两部手机之间可能有人介入。", "Stop, and ask the exam office: somebody may sit between the phones.";
    CloseAttestationRequired = "close.attestation_required", "本场考试要求手机带有认证密钥。", "This exam needs a phone with a certified key.";
    CloseAttestationRequiredAdvice = "close.attestation_required.advice", "请换一部手机作为辅机位。", "Use another phone as the assistant.";
    CloseRateLimited = "close.rate_limited", "尝试次数过多。", "There were too many attempts.";
    CloseRateLimitedAdvice = "close.rate_limited.advice", "请等待半分钟，再扫描新的二维码。", "Wait half a minute, then scan the new code.";
    CloseBusy = "close.busy", "主机位正忙于其他连接。", "The primary phone is busy with other connections.";
    CloseBusyAdvice = "close.busy.advice", "请几秒后再试。", "Try again in a few seconds.";
    CloseRevoked = "close.revoked", "本手机已被移出会话。", "This phone was removed from the session.";
    CloseRevokedAdvice = "close.revoked.advice", "如需重新加入，请扫描新的二维码。", "Scan a new code if it should take part again.";
    CloseUnknownSession = "close.unknown_session", "主机位没有这个会话的记录。", "The primary phone does not know this session.";
    CloseUnknownSessionAdvice = "close.unknown_session.advice", "请扫描主机位上的二维码。", "Scan the code on the primary phone.";
    CloseStaleEpoch = "close.stale_epoch", "一个过时的连接请求迟到了。", "An old connection attempt arrived late.";
    CloseStaleEpochAdvice = "close.stale_epoch.advice", "无需操作，手机会自动继续。", "Nothing to do: the phones go on by themselves.";
    CloseCloneSuspected = "close.clone_suspected", "本手机的会话数据被复制到别处使用。", "A copy of this phone's session was used elsewhere.";
    CloseCloneSuspectedAdvice = "close.clone_suspected.advice", "请停止操作并联系考试方。", "Stop, and ask the exam office.";
    CloseReplaced = "close.replaced", "另一部手机已接替本手机。", "Another phone took over this phone's role.";
    CloseReplacedAdvice = "close.replaced.advice", "本手机无需操作。", "Nothing to do on this phone.";
    CloseHistoryChanged = "close.history_changed", "有一部手机的数据与此前不一致。", "A phone has lost or changed what it had shown.";
    CloseHistoryChangedAdvice = "close.history_changed.advice", "请告知考试方；辅机位可以换另一部手机接替。", "Tell the exam office; another phone can take an assistant's place.";
    CloseInternal = "close.internal", "应用自身出错。", "The app met a defect of its own.";
    CloseInternalAdvice = "close.internal.advice", "请重新打开应用，会话会自动继续。", "Start the app again; the session goes on.";
    CloseGoingAway = "close.going_away", "另一部手机上的应用已关闭。", "The app on the other phone was closed.";
    CloseGoingAwayAdvice = "close.going_away.advice", "请在另一部手机上重新打开应用，会话会自动继续。", "Open the app on the other phone again; the session goes on.";
    TroubleNoRoute = "trouble.no_route", "本手机没有连接到本地网络。", "This phone is in no local network.";
    TroubleNoRouteAdvice = "trouble.no_route.advice", "请让两部手机连接同一 Wi-Fi，或连接其中一部手机的热点。", "Connect both phones to the same Wi-Fi, or to the hotspot of one of them.";
    TroubleLanPermission = "trouble.lan_permission", "系统不允许本应用使用本地网络。", "The system does not let this app use the local network.";
    TroubleLanPermissionAdvice = "trouble.lan_permission.advice", "请在系统设置中允许本应用查找本地网络设备。", "Allow the app to find devices in the local network, in the system's settings.";
    TroubleApIsolationSuspected = "trouble.ap_isolation_suspected", "两部手机在同一网络中，但无法互相访问。", "The phones are in the same network but cannot reach each other.";
    TroubleApIsolationSuspectedAdvice = "trouble.ap_isolation_suspected.advice", "路由器可能隔离了设备：请改用家庭 Wi-Fi 而不是访客网络，或使用其中一部手机的热点。", "The router may keep devices apart: use a home Wi-Fi instead of a guest one, or the hotspot of one phone.";
    TroubleVpnSuspected = "trouble.vpn_suspected", "本手机上的 VPN 可能拦截了本地通信。", "A VPN on this phone may swallow local traffic.";
    TroubleVpnSuspectedAdvice = "trouble.vpn_suspected.advice", "请关闭 VPN，或在其设置中允许访问本地网络。", "Switch the VPN off, or allow local network access in its settings.";
    TroublePeerSilent = "trouble.peer_silent", "另一部手机的所有地址都没有响应。", "The other phone did not answer at any of its addresses.";
    TroublePeerSilentAdvice = "trouble.peer_silent.advice", "请确认另一部手机已打开应用，并且两部手机在同一网络。", "Check that the app is open on the other phone and that both are in the same network.";
    TroublePinMismatch = "trouble.pin_mismatch", "响应的不是预期的那部手机。", "Another device answered in place of the expected one.";
    TroublePinMismatchAdvice = "trouble.pin_mismatch.advice", "请停止操作，扫描新的二维码；如果再次出现，请联系考试方。", "Stop, scan a new code, and ask the exam office if it happens again.";
    TroubleKeyRefused = "trouble.key_refused", "另一部手机不认可本手机的密钥。", "The other phone does not accept this phone's key.";
    TroubleKeyRefusedAdvice = "trouble.key_refused.advice", "请扫描主机位上当前显示的二维码。", "Scan the code that is on the primary phone's screen now.";
    TroubleKeyLocked = "trouble.key_locked", "本手机的密钥无法用于签名。", "This phone's key could not be used to sign.";
    TroubleKeyLockedAdvice = "trouble.key_locked.advice", "请解锁手机，之后会自动重试。", "Unlock the phone; the phones try again by themselves.";
    TroubleKeyStuck = "trouble.key_stuck", "本手机的密钥没有响应，会话停住了。", "This phone's key does not answer, and the session stands still.";
    TroubleKeyStuckAdvice = "trouble.key_stuck.advice", "请解锁手机；如果仍不行，请关闭并重新打开应用，会话会自动继续。", "Unlock the phone; if it stays so, close the app and open it again: the session goes on.";
    TroubleKeyType = "trouble.key_type", "另一部手机的密钥类型不被允许。", "The other phone showed a kind of key that is not allowed.";
    TroubleKeyTypeAdvice = "trouble.key_type.advice", "请在两部手机上安装相同版本的应用。", "Install the same version of the app on both phones.";
    TroubleProtocolVersion = "trouble.protocol_version", "两部手机的应用版本不兼容，或另一部手机没有在等待配对。", "The two apps speak different versions, or the other phone is not pairing.";
    TroubleProtocolVersionAdvice = "trouble.protocol_version.advice", "请在主机位上打开二维码，并更新两部手机上的应用。", "Open the code on the primary phone, and update the app on both.";
    TroublePeerRestarted = "trouble.peer_restarted", "另一部手机上的应用重新启动了。", "The app on the other phone was started again.";
    TroublePeerRestartedAdvice = "trouble.peer_restarted.advice", "无需操作，手机会自动重连。", "Nothing to do: the phones reconnect by themselves.";
    TroublePeerBusy = "trouble.peer_busy", "另一部手机太忙，没有响应。", "The other phone is too busy to answer.";
    TroublePeerBusyAdvice = "trouble.peer_busy.advice", "请等待半分钟，手机会自动重试。", "Wait half a minute; the phones try again by themselves.";
    TroubleSocketDead = "trouble.socket_dead", "系统关闭了本应用的网络连接。", "The system closed this app's network connection.";
    TroubleSocketDeadAdvice = "trouble.socket_dead.advice", "请将应用切回前台；如果仍不行，请重新打开应用。", "Bring the app to the front; if it stays so, start it again.";
    TroublePortTaken = "trouble.port_taken", "网络端口被其他程序占用。", "Another program uses the network port.";
    TroublePortTakenAdvice = "trouble.port_taken.advice", "请关闭那个程序，或选择其他端口。", "Close the other program, or choose another port.";
    TroubleNotOurAddress = "trouble.not_our_address", "指定的监听地址不属于本设备。", "The address to listen on does not belong to this device.";
    TroubleNotOurAddressAdvice = "trouble.not_our_address.advice", "请不要指定地址，或选择本设备的地址。", "Leave the address out, or choose one of this device's own.";
    TroubleDiscoveryUnavailable = "trouble.discovery_unavailable", "当前网络无法自动发现设备。", "Devices cannot be discovered in this network.";
    TroubleDiscoveryUnavailableAdvice = "trouble.discovery_unavailable.advice", "二维码中的地址可用时无需操作，否则请扫描新的二维码。", "Nothing to do while the code's addresses work; otherwise scan a new code.";
    TroubleFlooded = "trouble.flooded", "本手机收到大量异常的连接请求。", "This phone receives a flood of connection attempts.";
    TroubleFloodedAdvice = "trouble.flooded.advice", "如果无法配对，请使用其中一部手机的热点。", "If pairing does not work, use the hotspot of one phone.";
    TroubleStorageFull = "trouble.storage_full", "本手机的存储空间已满。", "The storage of this phone is full.";
    TroubleStorageFullAdvice = "trouble.storage_full.advice", "请先清理空间，再重新打开应用：在此之前的情况无法得到证明。", "Free some space, then start the app again: nothing that happens before can be proven.";
    TroubleStorageDenied = "trouble.storage_denied", "系统不允许本应用写入文件。", "The system does not let this app write its files.";
    TroubleStorageDeniedAdvice = "trouble.storage_denied.advice", "请在系统设置中允许本应用访问文件，再重新打开；不要卸载应用。", "Give the app access to its files in the system's settings, then start it again; do not uninstall it.";
    TroubleStorageBroken = "trouble.storage_broken", "本场会话的某个文件无法读写。", "A file of this session could not be read or written.";
    TroubleStorageBrokenAdvice = "trouble.storage_broken.advice", "请重新打开应用，如果仍不行请联系考试方：在此之前的情况无法得到证明。", "Start the app again, and tell the exam office if it stays so: nothing that happens before can be proven.";
    TroubleStorageStuck = "trouble.storage_stuck", "本手机的存储没有响应，会话停住了。", "This phone's storage does not answer, and the session stands still.";
    TroubleStorageStuckAdvice = "trouble.storage_stuck.advice", "请关闭并重新打开应用，会话会自动继续。", "Close the app and open it again: the session goes on.";
    TroubleFolderInUse = "trouble.folder_in_use", "本场会话的文件夹正被另一个运行中的应用使用。", "Another running copy of the app uses this session's folder.";
    TroubleFolderInUseAdvice = "trouble.folder_in_use.advice", "请先关闭另一个应用。", "Close the other copy first.";
    FailureKeyEntropy = "failure.key_entropy", "系统随机数生成失败。", "The system's random generator failed.";
    FailureKeyEntropyAdvice = "failure.key_entropy.advice", "请重启手机后重新开始。", "Restart the phone and start again.";
    FailureKeyFormat = "failure.key_format", "密钥数据已损坏。", "The key's data is damaged.";
    FailureKeyFormatAdvice = "failure.key_format.advice", "请使用会话开始时的密钥；如果已丢失，请换一个文件夹并重新配对。", "Use the key that the session began with; if it is lost, use another folder and pair the phones again.";
    FailureKeyUnusable = "failure.key_unusable", "密钥暂时无法签名。", "The key could not be used to sign.";
    FailureKeyUnusableAdvice = "failure.key_unusable.advice", "请解锁手机后重新开始，会话会自动继续。", "Unlock the phone and start again: the session goes on.";
    FailureKeyForeign = "failure.key_foreign", "密钥与其公钥不符。", "The key does not fit its public half.";
    FailureKeyForeignAdvice = "failure.key_foreign.advice", "请更新应用，会话数据没有受损。", "Update the app; the session is not damaged.";
    FailureDamaged = "failure.damaged", "文件夹中的数据不属于本会话，或已损坏。", "The folder holds something that is not this session's, or is damaged.";
    FailureDamagedAdvice = "failure.damaged.advice", "请保留该文件夹，换一个文件夹重新开始，并重新配对。", "Keep the folder as it is, and start with another one; the phones must be paired again.";
    FailureAddresses = "failure.addresses", "另一部手机无法访问本手机的任何地址。", "This phone has no address that another phone could reach.";
    FailureAddressesAdvice = "failure.addresses.advice", "请连接 Wi-Fi 或打开热点；如有需要，请指定对外地址。", "Join a Wi-Fi network or open a hotspot, or name the address to advertise.";
    FailureTicket = "failure.ticket", "扫描的不是本应用的有效二维码。", "What was scanned is not a valid code of this app.";
    FailureTicketAdvice = "failure.ticket.advice", "请扫描主机位上当前显示的二维码。", "Scan the code that is on the primary's screen now.";
    FailureNoThread = "failure.no_thread", "系统资源不足，无法启动。", "The system has nothing left to run this app with.";
    FailureNoThreadAdvice = "failure.no_thread.advice", "请关闭其他应用后重新开始。", "Close other programs and start again.";
    FailureStopped = "failure.stopped", "本手机上的会话已停止。", "The session was stopped on this phone.";
    FailureStoppedAdvice = "failure.stopped.advice", "请用同一文件夹重新开始，会话会自动继续。", "Start the session again with the same folder.";
    FailureStuck = "failure.stuck", "会话没有及时结束，应用的密钥、存储或网络没有响应。", "The session did not end in time: the app's key, storage or socket does not answer.";
    FailureStuckAdvice = "failure.stuck.advice", "请关闭并重新打开应用，会话会自动继续。", "Close the app and open it again: the session goes on.";
    FailureNoSuchSeat = "failure.no_such_seat", "考试安排中没有这个机位。", "The plan has no such seat.";
    FailureNoSuchSeatAdvice = "failure.no_such_seat.advice", "请选择考试安排中的机位。", "Choose a seat of the plan.";
    FailureNotPaired = "failure.not_paired", "该机位还没有配对手机。", "No phone is paired in that seat.";
    FailureNotPairedAdvice = "failure.not_paired.advice", "请先为该机位配对手机。", "Pair a phone first.";
    FailureNoNetwork = "failure.no_network", "本手机没有可供辅机位连接的网络。", "This phone is in no network that assistants can reach.";
    FailureNoNetworkAdvice = "failure.no_network.advice", "请先连接 Wi-Fi 或打开热点，再显示二维码。", "Join a Wi-Fi network or open a hotspot, then show the code.";
    FailureSeatsEmpty = "failure.seats_empty", "还有机位没有配对手机。", "A seat is still empty.";
    FailureSeatsEmptyAdvice = "failure.seats_empty.advice", "请先为每个机位配对手机，再开始录制。", "Pair a phone in every seat, then begin.";
    FailureNotCompared = "failure.not_compared", "还没有核对六位数字。", "The six digits were not compared.";
    FailureNotComparedAdvice = "failure.not_compared.advice", "请核对两部手机上的六位数字是否相同，再开始录制。", "Compare the six digits on both phones, then begin.";
    FailureStorageGone = "failure.storage_gone", "手机已无法写入存储。", "The storage of this phone cannot be written any more.";
    FailureStorageGoneAdvice = "failure.storage_gone.advice", "请清理存储空间，然后重新打开应用。", "Free some space, then start the app again.";
    FailureAsking = "failure.asking", "屏幕上还有一个请求等待回答。", "Another code is still waiting for an answer.";
    FailureAskingAdvice = "failure.asking.advice", "请先同意或拒绝，再扫描其他二维码。", "Agree or decline first, then scan the other code.";
    FailureAlreadyBegun = "failure.already_begun", "录制已经开始。", "Recording has begun already.";
    FailureAlreadyBegunAdvice = "failure.already_begun.advice", "无需操作。", "Nothing to do.";
    FailureOver = "failure.over", "会话已经结束。", "The session is over.";
    FailureOverAdvice = "failure.over.advice", "无需操作；如需继续考试，请联系考试方。", "Nothing to do; ask the exam office if it should go on.";
    FailureInSession = "failure.in_session", "本手机已在一场会话中。", "This phone is in a session already.";
    FailureInSessionAdvice = "failure.in_session.advice", "请先退出当前会话。", "Leave that session first.";
    FailureNothingScanned = "failure.nothing_scanned", "还没有扫描二维码。", "No code was scanned.";
    FailureNothingScannedAdvice = "failure.nothing_scanned.advice", "请先扫描主机位上的二维码。", "Scan the code on the primary's screen first.";
    FailureOwnCode = "failure.own_code", "扫描的是本手机自己的二维码。", "The code is this phone's own.";
    FailureOwnCodeAdvice = "failure.own_code.advice", "请用另一部手机扫描。", "Scan it with another phone.";
    FailureNothingToCompare = "failure.nothing_to_compare", "当前没有需要核对的数字。", "There are no digits to compare.";
    FailureNothingToCompareAdvice = "failure.nothing_to_compare.advice", "无需操作。", "Nothing to do.";
    FailureAppFault = "failure.app_fault", "应用报告的录制信息有误。", "The app told something that cannot be.";
    FailureAppFaultAdvice = "failure.app_fault.advice", "请继续考试；如果再次出现，请重新打开应用。", "Go on; if it happens again, start the app again.";
    FailureStatement = "failure.statement", "考试方的声明未被接受。", "The statement was not accepted.";
    FailureStatementAdvice = "failure.statement.advice", "请向考试方索取新的声明。", "Ask the exam office for a new one.";
    FailureTooManyStatements = "failure.too_many_statements", "本会话不再接受新的声明。", "The session takes no more statements.";
    FailureTooManyStatementsAdvice = "failure.too_many_statements.advice", "请将声明交给考试方。", "Give the statement to the exam office.";
    FailurePairingLost = "failure.pairing_lost", "与主机位的连接中断，配对没有完成。", "The connection to the primary was lost before the phones were paired.";
    FailurePairingLostAdvice = "failure.pairing_lost.advice", "请让两部手机保持在同一网络，再扫描一次。", "Keep both phones in the same network and scan again.";
    FailurePairingDeclined = "failure.pairing_declined", "已拒绝配对。", "Pairing was declined.";
    FailurePairingDeclinedAdvice = "failure.pairing_declined.advice", "如果是误操作，请重新扫描并同意。", "Scan again and agree, if that was a mistake.";
}

impl Text {
    /// The English text without its full stop, for a line of a log.
    #[must_use]
    pub fn clause(self) -> &'static str {
        let sentence = self.template(Language::English);
        sentence.strip_suffix('.').unwrap_or(sentence)
    }

    /// The text with this key.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|text| text.key() == key)
    }

    /// The text with its fields filled in; one that is not given stays as it is.
    #[must_use]
    pub fn fill(self, language: Language, fields: &[(&str, &str)]) -> String {
        let mut filled = String::new();
        let mut rest = self.template(language);
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, tail)) = after.split_once('}') else { break };
            filled.push_str(before);
            match fields.iter().find(|(field, _)| *field == name) {
                Some((_, value)) => filled.push_str(value),
                None => filled.extend(["{", name, "}"]),
            }
            rest = tail;
        }
        filled.push_str(rest);
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn fields(template: &str) -> BTreeSet<&str> {
        template.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0)).collect()
    }

    #[test]
    fn every_text_has_one_key_and_the_same_fields_in_both_languages() {
        // [LEDGER-18]
        let keys: BTreeSet<_> = Text::ALL.iter().map(|text| text.key()).collect();
        assert_eq!(keys.len(), Text::ALL.len());
        for text in Text::ALL {
            assert_eq!(Text::from_key(text.key()), Some(*text));
            let (chinese, english) =
                (text.template(Language::Chinese), text.template(Language::English));
            assert_eq!(fields(chinese), fields(english), "{}", text.key());
            assert!(english.is_ascii() && !chinese.is_ascii(), "{}", text.key());
            assert!(english.ends_with('.') && chinese.ends_with('。'), "{}", text.key());
            assert_eq!(text.clause().len() + 1, english.len());
        }
        assert_eq!(Text::from_key("loss"), None);
    }

    #[test]
    fn fields_are_filled_in_as_given_and_only_once() {
        let given = [("confirmed", "{remaining}"), ("remaining", "2")];
        assert_eq!(
            Text::Counted.fill(Language::English, &given),
            "{remaining} interruptions so far, 2 more allowed."
        );
        assert_eq!(
            Text::Counted.fill(Language::Chinese, &given[1..]),
            "已中断 {confirmed} 次，还可 2 次。"
        );
    }
}
