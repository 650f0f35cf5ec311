#!/usr/bin/env python3
"""Right outputs of the small cases, computed by the definitions of ONNX's operators in plain Python.

    reference.py <folder of cases> <folder for outputs> [images]

Independent of the library: its own reader of protobuf, its own operators, doubles throughout.
Slow, for files of a few kB. Writes <case>.npy, images x outputs, float32, for every case whose
operators it knows; names those that it does not.
"""
import math
import os
import struct
import sys


def fields(data):
    """(number, wire type, value) of a protobuf message."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        kind = key & 7
        if kind == 0:
            value = varint()
        elif kind == 1:
            value, at = data[at:at + 8], at + 8
        elif kind == 2:
            size = varint()
            value, at = data[at:at + size], at + size
        else:
            value, at = data[at:at + 4], at + 4
        yield key >> 3, kind, value


def signed(v):
    return v - (1 << 64) if v >= 1 << 63 else v


def integers(kind, value):
    if kind == 0:
        return [signed(value)]
    out, at = [], 0
    while at < len(value):
        v = shift = 0
        while True:
            byte = value[at]
            at += 1
            v |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        out.append(signed(v))
    return out


FORMATS = {1: "f", 2: "B", 3: "b", 6: "i", 7: "q", 9: "?", 10: "e", 11: "d"}


class Array:
    """Values in C order, and whether they are whole numbers."""

    def __init__(self, dims, values, whole=False, kind=None):
        self.dims, self.values, self.whole, self.kind = list(dims), list(values), whole, kind


def tensor(data, folder):
    dims, kind, raw, typed, name, place = [], 0, None, [], "", {}
    for number, wire, value in fields(data):
        if number == 1:
            dims += integers(wire, value)
        elif number == 2:
            kind = value
        elif number == 4:
            typed += struct.unpack("<%df" % (len(value) // 4), value)
        elif number in (5, 7):
            typed += integers(wire, value)
        elif number == 8:
            name = value.decode()
        elif number == 9:
            raw = value
        elif number == 13:
            entry = {n: v.decode() for n, _, v in fields(value)}
            place[entry[1]] = entry.get(2, "")
    if place:
        with open(os.path.join(folder, place["location"]), "rb") as file:
            file.seek(int(place.get("offset", 0)))
            raw = file.read(int(place["length"])) if "length" in place else file.read()
    if raw is not None:
        typed = struct.unpack("<%d%s" % (len(raw) // struct.calcsize(FORMATS[kind]), FORMATS[kind]),
                              raw)
    return name, Array(dims, typed, kind not in (1, 10, 11), kind)


class Node:
    def __init__(self, data, folder):
        self.inputs, self.outputs, self.type, self.attributes = [], [], "", {}
        for number, _, value in fields(data):
            if number == 1:
                self.inputs.append(value.decode())
            elif number == 2:
                self.outputs.append(value.decode())
            elif number == 4:
                self.type = value.decode()
            elif number == 5:
                name, ints, floats, result = "", [], [], None
                for n, w, v in fields(value):
                    if n == 1:
                        name = v.decode()
                    elif n == 2:
                        result = struct.unpack("<f", v)[0]
                    elif n == 3:
                        result = signed(v)
                    elif n == 4:
                        result = v.decode()
                    elif n == 5:
                        result = tensor(v, folder)[1]
                    elif n == 7:
                        floats += struct.unpack("<%df" % (len(v) // 4), v)
                    elif n == 8:
                        ints += integers(w, v)
                self.attributes[name] = ints or floats or result

    def get(self, name, otherwise=None):
        value = self.attributes.get(name)
        return otherwise if value is None else value


def count(dims):
    return math.prod(dims)


def places(dims):
    """All indices in C order."""
    at = [0] * len(dims)
    for _ in range(count(dims)):
        yield at
        for axis in reversed(range(len(dims))):
            at[axis] += 1
            if at[axis] < dims[axis]:
                break
            at[axis] = 0


def offset(dims, at):
    o = 0
    for d, a in zip(dims, at):
        o = o * d + a
    return o


def each(f, *arrays):
    dims = []
    rank = max(len(a.dims) for a in arrays)
    for axis in range(1, rank + 1):
        dims.insert(0, max(a.dims[-axis] if axis <= len(a.dims) else 1 for a in arrays))
    out = []
    for at in places(dims):
        picked = []
        for a in arrays:
            own = at[rank - len(a.dims):]
            picked.append(a.values[offset(a.dims, [0 if d == 1 else i
                                                   for d, i in zip(a.dims, own)])])
        out.append(f(*picked))
    return Array(dims, out, all(a.whole for a in arrays), arrays[0].kind)


def window(node, x, kernel, ceil=False):
    """Outputs along each spatial axis, and pads in front."""
    axes = len(kernel)
    strides = node.get("strides", [1] * axes)
    dilations = node.get("dilations", [1] * axes)
    pads = node.get("pads", [0] * 2 * axes)
    same = node.get("auto_pad", "NOTSET")
    if same.startswith("SAME"):
        pads = [0] * 2 * axes
        for k in range(axes):
            size = x.dims[2 + k]
            needed = max(0, (math.ceil(size / strides[k]) - 1) * strides[k] +
                         dilations[k] * (kernel[k] - 1) + 1 - size)
            pads[k] = needed // 2 if same == "SAME_UPPER" else needed - needed // 2
            pads[k + axes] = needed - pads[k]
    outs = []
    for k in range(axes):
        room = x.dims[2 + k] + pads[k] + pads[k + axes] - dilations[k] * (kernel[k] - 1) - 1
        out = (math.ceil(room / strides[k]) if ceil else room // strides[k]) + 1
        if ceil and (out - 1) * strides[k] >= x.dims[2 + k] + pads[k]:
            out -= 1
        outs.append(out)
    return outs, strides, dilations, pads


def conv(node, x, w, b=None):
    groups = node.get("group", 1)
    kernel = w.dims[2:]
    outs, strides, dilations, pads = window(node, x, kernel)
    n, filters, seen = x.dims[0], w.dims[0], w.dims[1]
    size, taps = count(x.dims[2:]), list(map(list, places(kernel)))
    values = []
    for image in range(n):
        for f in range(filters):
            first = f // (filters // groups) * seen
            for at in places(outs):
                total = b.values[f] if b else 0.0
                for t, tap in enumerate(taps):
                    at_x = [a * s + k * d - p for a, s, k, d, p in
                            zip(at, strides, tap, dilations, pads)]
                    if any(i < 0 or i >= d for i, d in zip(at_x, x.dims[2:])):
                        continue
                    o = offset(x.dims[2:], at_x)
                    for c in range(seen):
                        total += (x.values[(image * x.dims[1] + first + c) * size + o] *
                                  w.values[(f * seen + c) * len(taps) + t])
                values.append(total)
    return Array([n, filters] + outs, values)


def pool(node, x, largest):
    kernel = node.get("kernel_shape")
    outs, strides, dilations, pads = window(node, x, kernel, node.get("ceil_mode", 0))
    size, values = count(x.dims[2:]), []
    for plane in range(x.dims[0] * x.dims[1]):
        for at in places(outs):
            seen, padded = [], 0
            for tap in places(kernel):
                at_x = [a * s + k * d - p for a, s, k, d, p in
                        zip(at, strides, tap, dilations, pads)]
                if all(0 <= i < d for i, d in zip(at_x, x.dims[2:])):
                    seen.append(x.values[plane * size + offset(x.dims[2:], at_x)])
                elif all(-p <= i < d + q for i, d, p, q in
                         zip(at_x, x.dims[2:], pads, pads[len(kernel):])):
                    padded += 1
            if largest:
                values.append(max(seen))
            else:
                values.append(sum(seen) / (len(seen) +
                                           (padded if node.get("count_include_pad", 0) else 0)))
    return Array(x.dims[:2] + outs, values, x.whole, x.kind)


def matmul(a, b):
    if len(b.dims) != 2:
        raise KeyError("MatMul of %s" % b.dims)
    rows, inner, columns = count(a.dims[:-1]), b.dims[0], b.dims[1]
    values = [sum(a.values[r * inner + k] * b.values[k * columns + c] for k in range(inner))
              for r in range(rows) for c in range(columns)]
    return Array(a.dims[:-1] + [columns], values)


def gemm(node, a, b, c=None):
    def turned(x):
        r, k = x.dims
        return Array([k, r], [x.values[i * k + j] for j in range(k) for i in range(r)])
    a = turned(a) if node.get("transA", 0) else a
    b = turned(b) if node.get("transB", 0) else b
    y = matmul(a, b)
    alpha, beta = node.get("alpha", 1.0), node.get("beta", 1.0)
    y.values = [alpha * v for v in y.values]
    return each(lambda v, w: v + beta * w, y, c) if c else y


def reshape(node, x, shape):
    dims = [x.dims[i] if d == 0 and not node.get("allowzero", 0) else d
            for i, d in enumerate(shape.values)]
    if -1 in dims:
        dims[dims.index(-1)] = count(x.dims) // -count(dims)
    return Array(dims, x.values, x.whole, x.kind)


def transpose(node, x):
    perm = node.get("perm", list(reversed(range(len(x.dims)))))
    dims = [x.dims[p] for p in perm]
    values = []
    for at in places(dims):
        own = [0] * len(dims)
        for i, p in enumerate(perm):
            own[p] = at[i]
        values.append(x.values[offset(x.dims, own)])
    return Array(dims, values, x.whole, x.kind)


def lrn(node, x):
    size, alpha = node.get("size"), node.get("alpha", 1e-4)
    beta, bias = node.get("beta", 0.75), node.get("bias", 1.0)
    values = []
    for n, c, *rest in map(list, places(x.dims)):
        low, high = max(0, c - (size - 1) // 2), min(x.dims[1], c + math.ceil((size - 1) / 2) + 1)
        squares = sum(x.values[offset(x.dims, [n, k] + rest)] ** 2 for k in range(low, high))
        values.append(x.values[offset(x.dims, [n, c] + rest)] /
                      (bias + alpha / size * squares) ** beta)
    return Array(x.dims, values)


def concat(node, *xs):
    axis = node.get("axis") % len(xs[0].dims)
    dims = list(xs[0].dims)
    dims[axis] = sum(x.dims[axis] for x in xs)
    values = []
    for front in range(count(dims[:axis])):
        for x in xs:
            width = count(x.dims[axis:])
            values += x.values[front * width:(front + 1) * width]
    return Array(dims, values, xs[0].whole, xs[0].kind)


def split(node, x, sizes=None):
    axis = node.get("axis", 0) % len(x.dims)
    parts = sizes.values if sizes else node.get("split") or [
        x.dims[axis] // len(node.outputs)] * len(node.outputs)
    out, first, width = [], 0, count(x.dims[axis:])
    behind = count(x.dims[axis + 1:])
    for size in parts:
        values = []
        for front in range(count(x.dims[:axis])):
            at = front * width + first * behind
            values += x.values[at:at + size * behind]
        out.append(Array(x.dims[:axis] + [size] + x.dims[axis + 1:], values))
        first += size
    return out


def half_even(x):
    return float(round(x))


def quantize(node, x, scale, zero=None):
    kind = zero.kind if zero else 2
    low, high = {2: (0, 255), 3: (-128, 127)}[kind]
    zero = zero or Array([], [0], True)
    if len(scale.values) > 1:
        raise KeyError("QuantizeLinear along an axis")
    out = each(lambda v, s, z: min(max(half_even(v / s) + z, low), high), x, scale, zero)
    return Array(out.dims, out.values, True, kind)


def dequantize(node, x, scale, zero=None):
    zero = zero or Array([], [0], True)
    if len(scale.values) > 1:
        axis = node.get("axis", 1) % len(x.dims)
        along = [1] * (len(x.dims) - axis - 1)
        scale = Array(scale.dims + along, scale.values)
        zero = Array(zero.dims + along, zero.values, True)
    return each(lambda v, s, z: (v - z) * s, x, scale, zero)


def reduced(node, x, axes, f):
    axes = [a % len(x.dims) for a in axes]
    dims = [1 if i in axes else d for i, d in enumerate(x.dims)]
    sums = [[] for _ in range(count(dims))]
    for at in places(x.dims):
        sums[offset(dims, [0 if i in axes else a for i, a in enumerate(at)])].append(
            x.values[offset(x.dims, at)])
    kept = dims if node.get("keepdims", 1) else [d for i, d in enumerate(dims) if i not in axes]
    return Array(kept, [f(s) for s in sums])


def softplus(v):
    return max(v, 0.0) + math.log1p(math.exp(-abs(v)))


UNARY = {"Relu": lambda v: max(v, 0.0), "Tanh": math.tanh, "Softplus": softplus,
         "Neg": lambda v: -v, "Sigmoid": lambda v: 1 / (1 + math.exp(-v)),
         "Mish": lambda v: v * math.tanh(softplus(v)), "Identity": lambda v: v}
BINARY = {"Add": lambda a, b: a + b, "Mul": lambda a, b: a * b, "Sub": lambda a, b: a - b,
          "Div": lambda a, b: a / b, "Max": max, "Min": min}


def run(node, xs):
    t = node.type
    if t in UNARY:
        return Array(xs[0].dims, map(UNARY[t], xs[0].values), xs[0].whole, xs[0].kind)
    if t in BINARY:
        return each(BINARY[t], *xs)
    if t == "LeakyRelu":
        a = node.get("alpha", 0.01)
        return Array(xs[0].dims, [v if v >= 0 else a * v for v in xs[0].values])
    if t == "HardSigmoid":
        a, b = node.get("alpha", 0.2), node.get("beta", 0.5)
        return Array(xs[0].dims, [max(0.0, min(1.0, a * v + b)) for v in xs[0].values])
    if t == "Conv":
        return conv(node, *xs)
    if t in ("MaxPool", "AveragePool"):
        return pool(node, xs[0], t == "MaxPool")
    if t == "GlobalAveragePool":
        return reduced(node, xs[0], range(2, len(xs[0].dims)), lambda s: sum(s) / len(s))
    if t == "ReduceMean":
        axes = xs[1].values if len(xs) > 1 else node.get("axes")
        return reduced(node, xs[0], axes, lambda s: sum(s) / len(s))
    if t == "Gemm":
        return gemm(node, *xs)
    if t == "MatMul":
        return matmul(*xs)
    if t == "Flatten":
        axis = node.get("axis", 1)
        return Array([count(xs[0].dims[:axis]), count(xs[0].dims[axis:])], xs[0].values,
                     xs[0].whole, xs[0].kind)
    if t == "Reshape":
        return reshape(node, *xs)
    if t == "Transpose":
        return transpose(node, *xs)
    if t == "Concat":
        return concat(node, *xs)
    if t == "Split":
        return split(node, *xs)
    if t == "Softmax":
        if node.get("axis", -1) % len(xs[0].dims) != len(xs[0].dims) - 1:
            raise KeyError("Softmax over axis %s" % node.get("axis"))
        width, values = xs[0].dims[-1], []
        for row in range(count(xs[0].dims[:-1])):
            part = xs[0].values[row * width:(row + 1) * width]
            shares = [math.exp(v - max(part)) for v in part]
            values += [v / sum(shares) for v in shares]
        return Array(xs[0].dims, values)
    if t == "LRN":
        return lrn(node, *xs)
    if t == "Cast":
        to = node.get("to")
        if to == 10:  # values become half floats
            return Array(xs[0].dims, [struct.unpack("<e", struct.pack("<e", v))[0]
                                      for v in xs[0].values])
        return Array(xs[0].dims, xs[0].values, to in (6, 7), to)
    if t == "Constant":
        return node.get("value")
    if t == "QuantizeLinear":
        return quantize(node, *xs)
    if t == "DequantizeLinear":
        return dequantize(node, *xs)
    if t == "ArgMax":
        return xs[0]  # judged by what it looks at
    raise KeyError(t)


def load_npy(path):
    with open(path, "rb") as file:
        data = file.read()
    size = struct.unpack("<H", data[8:10])[0]
    header = eval(data[10:10 + size].decode())  # as NumPy writes it
    kind = {"u1": "B", "f4": "f", "f8": "d"}[header["descr"][1:]]
    body = data[10 + size:]
    return header["shape"], struct.unpack("<%d%s" % (len(body) // struct.calcsize(kind), kind),
                                          body), kind


def answers(folder, images):
    path = [f for f in sorted(os.listdir(folder)) if f.endswith(".onnx")][0]
    with open(os.path.join(folder, path), "rb") as file:
        model = file.read()
    graph = [v for n, _, v in fields(model) if n == 7][0]
    nodes, known, names, outputs, rank = [], {}, [], [], 0
    for number, _, value in fields(graph):
        if number == 1:
            nodes.append(Node(value, folder))
        elif number == 5:
            name, array = tensor(value, folder)
            known[name] = array
        elif number in (11, 12):
            parts = {n: v for n, _, v in fields(value)}
            (names if number == 11 else outputs).append(parts[1].decode())
            if number == 11 and parts[1].decode() not in known:
                shape = [v for n, _, v in fields(
                    [v for n, _, v in fields(parts[2]) if n == 1][0]) if n == 2][0]
                rank = sum(1 for n, _, _ in fields(shape) if n == 1)
                extents = [[v for n, w, v in fields(d) if n == 1 and w == 0] for n, _, d in
                           fields(shape) if n == 1]
    shape, values, kind = load_npy(os.path.join(folder, "x.npy"))
    images = min(images, shape[0])
    dims = list(shape)
    if len(dims) != rank:
        dims = dims[:1] + ([1] + dims[1:] if len(dims) + 1 == rank else
                           [count(dims[1:])] if rank == 2 else dims[1:])
    fixed = [e[0] if e else None for e in extents]
    if all(fixed[1:]) and fixed[1:] != dims[1:]:
        dims = dims[:1] + fixed[1:]
    dims[0] = images
    scale = 1 / 255 if kind == "B" else 1.0
    image = [n for n in names if n not in known][0]
    known[image] = Array(dims, [v * scale for v in values[:count(dims)]])
    wanted = "o" if "o" in outputs else outputs[0]
    for node in nodes:
        result = run(node, [known[i] for i in node.inputs if i])
        for name, array in zip(node.outputs, result if isinstance(result, list) else [result]):
            known[name] = array
    return images, known[wanted].values


def main():
    cases, out = sys.argv[1:3]
    images = int(sys.argv[3]) if len(sys.argv) > 3 else 4
    os.makedirs(out, exist_ok=True)
    for case in sorted(os.listdir(cases)):
        folder = os.path.join(cases, case)
        if not (case[:2].isdigit() and os.path.exists(os.path.join(folder, "x.npy"))
                and any(f.endswith(".onnx") for f in os.listdir(folder))):
            continue
        if not ("06" <= case[:2] <= "16" or case[:2] in ("24", "26")):
            continue
        try:
            n, values = answers(folder, images)
        except KeyError as e:
            print("%s: not known here: %s" % (case, e))
            continue
        header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }" % (
            n, len(values) // n)
        header += " " * (63 - (10 + len(header)) % 64) + "\n"
        with open(os.path.join(out, case + ".npy"), "wb") as file:
            file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() +
                       struct.pack("<%df" % len(values), *values))
        print("%s: %d x %d" % (case, n, len(values) // n))


main()
