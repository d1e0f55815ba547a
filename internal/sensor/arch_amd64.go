package sensor

const syscallPrefix = "__x64_sys_"
