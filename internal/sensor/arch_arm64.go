package sensor

const syscallPrefix = "__arm64_sys_"
