#include "fuzz.h"

const bool lathe::fuzz::kCanary = true;
