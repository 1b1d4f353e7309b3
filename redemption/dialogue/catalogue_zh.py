"""All words in Chinese. `MESSAGES` fit one text message; `PROMPTS` are spoken or shown."""

MESSAGES: dict[str, str] = {
    # -- recharging
    "redeemed": "充值{face}元，户号尾号{tail}，余额{balance}，流水{receipt}。",
    "redeemed_arrears": (
        "充值{face}元，户号尾号{tail}，抵欠费{arrears}，余额{balance}，流水{receipt}。"
    ),
    "redeemed_late_fee": (
        "充值{face}元，户号尾号{tail}，抵欠费{arrears}(违约金{late_fee})，"
        "余额{balance}，流水{receipt}。"
    ),
    "redeemed_bank": (
        "充值{face}元，户号尾号{tail}，余额{balance}，欠费银行代扣中，流水{receipt}。"
    ),
    "redeemed_bank_short": "充值{face}元，尾号{tail}，余额{balance}，银行代扣中，流水{receipt}",
    "redeemable": "该卡可用，面值{face}元。充值请发CZ#户号#密码。",
    "pin_malformed": "充值失败：密码位数或数字有误。请核对户号和18位密码后重发，例：CZ#户号#密码。",
    "pin_unknown": ("充值失败：密码有误，今日还可尝试{tries}次。请核对后重发，帮助请回复BZ。"),
    "pin_unknown_last": ("充值失败：密码有误，今日还可尝试{tries}次。请核对后重发，帮助请回复BZ。"),
    "pin_unknown_plain": "充值失败：密码有误。请核对后重发，帮助请回复BZ。",
    "locked_day": ("今日密码错误已达{wrong}次，充值功能已锁定至今晚24:00。咨询{hotline}。"),
    "locked_until": "充值功能已锁定至{until}。咨询{hotline}。",
    "locked": "充值功能已锁定。咨询{hotline}。",
    "used_by_you": ("该卡已于{at}充入尾号{tail}的户号，未重复扣款。有疑问请拨{hotline}。"),
    "used_by_another": (
        "该卡已于{at}由他人充入尾号{tail}的户号，本次未充值。有疑问请拨{hotline}。"
    ),
    "voucher_on_hold": "充值失败：该卡已冻结，未使用。请保管好卡片并拨{hotline}。",
    "voucher_expired": "充值失败：该卡已过有效期，金额不作废，可免费换卡，请拨{hotline}。",
    "voucher_void": "充值失败：该卡已作废。有疑问请持卡拨{hotline}。",
    "voucher_replaced": "充值失败：该卡已换新卡，请使用新卡充值。有疑问请拨{hotline}。",
    "account_unknown": "户号不存在，卡未使用。请核对电费单上的户号后重发。",
    "account_closed": "尾号{tail}的户号已销户，卡未使用。请换用其他户号，或拨{hotline}。",
    "account_closed_plain": "该户号已销户，卡未使用。请换用其他户号，或拨{hotline}。",
    "account_missing": "请将户号和密码一起发送：CZ#户号#密码。户号见电费单。卡未使用。",
    "request_conflict": "本条短信与先前内容不一致，未处理。请另发一条新短信。",
    "try_later": "系统繁忙，本次未处理，请稍后重发。咨询{hotline}。",
    "pending": "充值处理中，结果将短信告知，请勿重复提交。",
    # -- asking
    "account_malformed": "户号应为{lengths}位数字，请核对后重发。",
    "account_not_found": "户号不存在，请核对电费单上的户号后重发。",
    "arrears_account_missing": "请发送QF#户号查询欠费。户号见电费单。",
    "balance": "户号尾号{tail}：余额{balance}元，欠费{arrears}元(含违约金{late_fee})。",
    "balance_short": "户号尾号{tail}：余额{balance}元，欠费{arrears}元。",
    "balance_clear": "户号尾号{tail}：余额{balance}元，无欠费。",
    "arrears": "户号尾号{tail}：欠费{arrears}元(含违约金{late_fee})。充值CZ#户号#密码。",
    "arrears_short": "户号尾号{tail}：欠费{arrears}元。充值CZ#户号#密码。",
    "arrears_clear": "户号尾号{tail}：无欠费。",
    "not_bound": "该户号未与本机号码绑定。请先发送BD#户号，或拨{hotline}。",
    "none_bound": "本机号码尚未绑定户号。请先发送BD#户号。",
    "history": "户号尾号{tail}近期充值：{entries}。",
    "history_entry": "{at} {face}元",
    "history_none": "户号尾号{tail}暂无充值记录。",
    # -- cards
    "card_not_activated": "该卡尚未激活，不能充值。请联系售卡网点，或拨{hotline}。",
    "card_active": "该卡可用，面值{face}元。充值请发CZ#户号#密码。",
    "card_used": "该卡已使用，面值{face}元。有疑问请拨{hotline}。",
    "card_on_hold": "该卡已冻结。请保管好卡片并拨{hotline}。",
    "card_expired": "该卡已过有效期，面值{face}元不作废，可免费换卡，请拨{hotline}。",
    "card_void": "该卡已作废。有疑问请持卡拨{hotline}。",
    "card_replaced": "该卡已换新卡，请使用新卡。有疑问请拨{hotline}。",
    "card_unknown": "没有此序列号的卡，请核对后重发。有疑问请拨{hotline}。",
    "serial_malformed": "查卡请发CK#17位序列号，请核对后重发。切勿发送密码。",
    # -- registering
    "bind_account_missing": "请发送BD#户号绑定。户号见电费单。",
    "code": (
        "验证码{code}，用于将尾号{tail}的户号绑定到尾号{caller}的手机，"
        "10分钟内有效。非本人操作请勿告知他人。"
    ),
    "code_sent": "验证码已发至户号登记的手机，请在10分钟内将6位验证码回复至本号码。",
    "code_too_many": "今日验证码次数已达上限，请明日再试，或拨{hotline}。",
    "code_wrong": "验证码有误，还可尝试{tries}次。",
    "code_wrong_last": "验证码有误，还可尝试{tries}次。",
    "code_gone": "验证码无效或已过期，请重新发送BD#户号。",
    "no_phone": "该户号未登记手机，请持证件到营业厅办理绑定。咨询{hotline}。",
    "bound": "绑定成功：户号尾号{tail}。今后发送CZ#密码即可为该户号充值。",
    "unbound": "已解除绑定：户号尾号{tail}。",
    "unbound_all": "已解除本机号码的全部户号绑定。",
    # -- the rest
    "language_set": "已设为中文。",
    "language_unclear": "发送YY#ZH设为中文，YY#EN设为英文。",
    "help": "充值CZ#户号#密码;余额YE;欠费QF#户号;查卡CK#序列号;绑定BD#户号;记录JL;英文YY#EN",
    "fault": "系统故障。若已发送充值密码，可能已受理，请先查询再重发。咨询{hotline}。",
    "unclear": "未能识别。充值请发CZ#户号#密码，帮助请发BZ。咨询{hotline}。",
}

PROMPTS: dict[str, str] = {
    # -- every node's question
    "welcome": "欢迎使用万能充。中文请按1。For English press 2.",
    "menu": (
        "充值请按1；余额和欠费请按2；近期充值请按3；查卡请按4；登记户号请按5；"
        "重听请按9；人工请按0。"
    ),
    "own_account": "为尾号{tail}的户号充值请按1；其他户号请按2。",
    "account": "请输入户号，按井号键结束。",
    "account_confirm": (
        "户号{account}，户名{name}，欠费{arrears_fen}元，其中违约金{late_fee_fen}元。"
        "正确请按1；重新输入请按2。"
    ),
    "account_confirm_short": (
        "户号{account}，户名{name}，欠费{arrears_fen}元。正确请按1；重新输入请按2。"
    ),
    "account_confirm_clear": "户号{account}，户名{name}，无欠费。正确请按1；重新输入请按2。",
    "pin": "请刮开涂层，输入18位密码，按井号键结束。重新输入请按星号键。",
    "confirm": "该卡面值{face_fen}元，充入尾号{tail}的户号。确认请按井号键，取消请按星号键。",
    "another": "继续充值请按1；返回主菜单请按星号键。",
    "locked_keys": "人工请按0；返回主菜单请按星号键。",
    "serial": "请输入卡上17位序列号，按井号键结束。请勿输入密码。",
    "code": "请输入6位验证码，按井号键结束。",
    # -- recharging
    "done": "已充值{face_fen}元，余额{balance_fen}元。流水号{receipt}。",
    "done_arrears": (
        "已充值{face_fen}元，其中{arrears_fen}元抵缴欠费，余额{balance_fen}元。流水号{receipt}。"
    ),
    "waits_for_bank": "欠费正由银行代扣，款项留作余额。",
    "text_follows": "结果将短信告知。",
    "card_limit": "每次通话最多充值5张卡，请重新拨打。",
    "cancelled": "已取消，卡未使用。",
    "pending": "已受理，结果将短信告知，请勿重复操作。",
    "pin_malformed": "密码位数或数字有误，请核对全部18位。",
    "pin_unknown": "密码有误，今日还可尝试{tries}次。",
    "pin_unknown_last": "密码有误，今日还可尝试{tries}次。",
    "pin_unknown_plain": "密码有误。",
    "used_by_you": "该卡已于{at}充入尾号{tail}的户号，未重复扣款。",
    "used_by_another": "该卡已于{at}由他人充入尾号{tail}的户号，本次未充值。",
    "voucher_on_hold": "该卡已冻结，请保管好卡片并咨询人工。",
    "voucher_expired": "该卡已过有效期，金额不作废，可免费换卡。",
    "voucher_void": "该卡已作废。",
    "voucher_replaced": "该卡已换新卡，请使用新卡。",
    "locked_day": "密码错误次数过多，充值功能已锁定至今晚24点。",
    "locked_until": "密码错误次数过多，充值功能已锁定至{until}。",
    "locked": "密码错误次数过多，充值功能已锁定，须由人工解锁。",
    # -- accounts
    "account_malformed": "户号应为{lengths}位数字。",
    "account_unknown": "户号不存在，请核对。",
    "account_closed": "该户号已销户，不能充值。",
    "arrears": "尾号{tail}的户号欠费{arrears_fen}元，其中违约金{late_fee_fen}元。",
    "arrears_short": "尾号{tail}的户号欠费{arrears_fen}元。",
    "arrears_clear": "尾号{tail}的户号无欠费。",
    "balance": "余额{balance_fen}元。",
    "none_bound": "本机号码尚未登记户号，请在主菜单按5登记。",
    "withheld": "您的号码未显示，不能登记户号。",
    "history": "尾号{tail}的户号近期充值：",
    "history_entry": "{at}，{face_fen}元。",
    "history_none": "尾号{tail}的户号暂无充值记录。",
    "code_sent": "验证码已发至户号登记的手机，10分钟内有效。",
    "code_too_many": "今日验证码次数已达上限，请明日再试。",
    "code_wrong": "验证码有误，还可尝试{tries}次。",
    "code_wrong_last": "验证码有误，还可尝试{tries}次。",
    "code_gone": "验证码无效或已过期。",
    "no_phone": "该户号未登记手机，请持证件到营业厅办理。",
    "bound": "已登记尾号{tail}的户号。",
    # -- cards
    "serial_malformed": "序列号应为17位数字，请核对。",
    "card_not_activated": "该卡尚未激活，请联系售卡网点。",
    "card_active": "该卡可用，面值{face_fen}元。",
    "card_used": "该卡已使用，面值{face_fen}元。",
    "card_on_hold": "该卡已冻结，请咨询人工。",
    "card_expired": "该卡已过有效期，面值{face_fen}元不作废，可免费换卡。",
    "card_void": "该卡已作废。",
    "card_replaced": "该卡已换新卡，请使用新卡。",
    "card_unknown": "没有此序列号的卡。",
    # -- the rest
    "no_input": "没有收到您的按键。",
    "wrong_key": "按键有误。",
    "cleared": "已清除。",
    "too_many_mistakes": "输入错误次数过多，请核对后再拨。",
    "operator": "正在为您转接人工，电话{hotline}。",
    "try_later": "系统繁忙，本次未处理，请稍后再试。",
    "wait": "请稍候。",
    "fault": "抱歉，系统故障。若您已确认充值，可能已受理，请先查询，勿重复操作。",
    "goodbye": "感谢使用万能充，再见。",
}

SCREENS: dict[str, str] = {
    "welcome": "万能充\n1 中文\n2 English",
    "menu": "1 充值\n2 余额和欠费\n3 近期充值\n4 查卡\n5 登记户号\n0 人工",
    "own_account": "1 尾号{tail}的户号\n2 其他户号",
    "account": "请输入户号：",
    "account_confirm": (
        "户号{account}，{name}\n欠费{arrears_fen}元(违约金{late_fee_fen})\n1 正确\n2 重新输入"
    ),
    "account_confirm_short": ("户号{account}，{name}\n欠费{arrears_fen}元\n1 正确\n2 重新输入"),
    "account_confirm_clear": "户号{account}，{name}\n无欠费\n1 正确\n2 重新输入",
    "pin": "请输入18位密码：",
    "serial": "请输入卡上17位序列号，勿输密码：",
    "code": "请输入6位验证码：",
    "operator": "人工请拨{hotline}。",
}
"""What a telephone's display shows instead, where it must be shorter."""
