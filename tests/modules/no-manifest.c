/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tiny.h"

COLLET_MODULE (.call = tiny_call);
