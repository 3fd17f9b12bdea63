#pragma once

#include "lathe/protocol/frames.h"
#include "standard.h"
