package cpu

import "os"

func available() (int64, bool) { return availableLinux(os.DirFS("/")) }

func describe() Info { return describeLinux(os.DirFS("/")) }
