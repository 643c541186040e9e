//! What an examinee reads and hears about interruptions, in two languages.
//!
//! Somebody whose camera has just failed in an exam reads one line, once, in a
//! hurry. So there is one text for each situation, it says what happened and
//! what to do, and it never says more than is known: a warning is no verdict.
//! The key is what an app stores, logs or speaks; the texts may be improved
//! without breaking anybody. Rejected: sentences put together from parts, which
//! are wrong in one of the languages.

/// A language of the texts.
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
}

impl Text {
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
