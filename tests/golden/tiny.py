"""An independent reference for the embedded model: LLaVA-NeXT (CLIP tower, Llama text model) in numpy and float32, written from the
published description alone. It shares no code with the program; only the ids of prompts come from it (they were compared with Hugging
Face's JavaScript tokenizer). Makes tests/golden/tiny.json:

    llava-silo inspect --model tiny --cases tiny.json --pictures pictures --dtype float32 > ours.json
    python3 tiny.py ../../silo/LlavaCluster.Silo/models/tiny tiny.json pictures ours.json

numpy and Pillow 9.4 made the committed file."""
import json, math, struct, sys
import numpy as np
from PIL import Image

model, cases_file, pictures, inspected = sys.argv[1:]
config = json.load(open(f"{model}/config.json"))
pre = json.load(open(f"{model}/preprocessor_config.json"))
text, vision = config["text_config"], config["vision_config"]

raw = open(f"{model}/model.safetensors", "rb").read()
size = struct.unpack("<Q", raw[:8])[0]
W = {}
for name, entry in json.loads(raw[8:8 + size]).items():
    if name != "__metadata__":
        a, b = entry["data_offsets"]
        W[name] = np.frombuffer(raw[8 + size + a:8 + size + b], np.float16).reshape(entry["shape"]).astype(np.float32)

def linear(x, name):
    y = x @ W[name + ".weight"].T
    return y + W[name + ".bias"] if name + ".bias" in W else y

def layer_norm(x, name, eps=1e-5):
    m = x.mean(-1, keepdims=True); v = ((x - m) ** 2).mean(-1, keepdims=True)
    return (x - m) / np.sqrt(v + eps) * W[name + ".weight"] + W[name + ".bias"]

def rms_norm(x, name):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + text["rms_norm_eps"]) * W[name + ".weight"]

def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True)); return e / e.sum(-1, keepdims=True)

erf = np.vectorize(math.erf, otypes=[np.float32])

def attention(q, k, v, heads, mask=None):
    n, d = q.shape; h = d // heads
    q, k, v = (t.reshape(-1, heads, h).transpose(1, 0, 2) for t in (q, k, v))
    s = q @ k.transpose(0, 2, 1) / math.sqrt(h)
    s = s if mask is None else s + mask
    return (softmax(s) @ v).transpose(1, 0, 2).reshape(n, d)

def tower(tile):
    p, side = vision["patch_size"], vision["image_size"] // vision["patch_size"]
    v = "vision_tower.vision_model."
    cut = tile.reshape(3, side, p, side, p).transpose(1, 3, 0, 2, 4).reshape(side * side, -1)
    x = cut @ W[v + "embeddings.patch_embedding.weight"].reshape(vision["hidden_size"], -1).T
    x = np.vstack([W[v + "embeddings.class_embedding"], x]) + W[v + "embeddings.position_embedding.weight"]
    x = layer_norm(x, v + "pre_layrnorm")
    states = [x]
    for i in range(vision["num_hidden_layers"]):
        l = f"{v}encoder.layers.{i}."
        y = layer_norm(x, l + "layer_norm1")
        y = attention(*(linear(y, f"{l}self_attn.{n}_proj") for n in "qkv"), vision["num_attention_heads"])
        x = x + linear(y, l + "self_attn.out_proj")
        y = linear(layer_norm(x, l + "layer_norm2"), l + "mlp.fc1")
        x = x + linear(y / (1 + np.exp(-1.702 * y)), l + "mlp.fc2")
        states.append(x)
    return states[config["vision_feature_layer"]][1:]

def project(x):
    y = linear(x, "multi_modal_projector.linear_1")
    return linear(y * 0.5 * (1 + erf(y / math.sqrt(2))), "multi_modal_projector.linear_2")

def tiles_of(image):
    t = vision["image_size"]; w, h = image.size; best = None
    for th, tw in config["image_grid_pinpoints"]:
        s = min(tw / w, th / h); dw, dh = int(w * s), int(h * s)
        use = min(dw * dh, w * h); key = (use, -(tw * th - use))
        if best is None or key > best[0]:
            best = (key, th, tw)
    _, th, tw = best
    sw, sh = tw / w, th / h
    nw, nh = (tw, min(math.ceil(h * sw), th)) if sw < sh else (min(math.ceil(w * sh), tw), th)
    canvas = Image.new("RGB", (tw, th))
    canvas.paste(image.resize((nw, nh), Image.BICUBIC), ((tw - nw) // 2, (th - nh) // 2))
    grid = [canvas.crop((x, y, x + t, y + t)) for y in range(0, th, t) for x in range(0, tw, t)]
    mean, std = (np.array(pre[k], np.float32).reshape(3, 1, 1) for k in ("image_mean", "image_std"))
    tiles = [(np.asarray(i, np.float32).transpose(2, 0, 1) * np.float32(pre["rescale_factor"]) - mean) / std
             for i in [image.resize((t, t), Image.BICUBIC)] + grid]
    return tiles, th // t, tw // t

def image_rows(image):
    tiles, gh, gw = tiles_of(image)
    f = [project(tower(tile)) for tile in tiles]
    side = vision["image_size"] // vision["patch_size"]; d = f[0].shape[1]
    grid = np.stack(f[1:]).reshape(gh, gw, side, side, d).transpose(0, 2, 1, 3, 4).reshape(gh * side, gw * side, d)
    (w, h), (r, c) = image.size, grid.shape[:2]
    if w / h > c / r:
        keep = int(round(h * (c / w), 7)); cut = (r - keep) // 2; grid = grid[cut:r - cut]
    else:
        keep = int(round(w * (r / h), 7)); cut = (c - keep) // 2; grid = grid[:, cut:c - cut]
    newline = np.broadcast_to(W["image_newline"], (grid.shape[0], 1, d))
    return np.vstack([f[0], np.concatenate([grid, newline], 1).reshape(-1, d)])

def rope(x, heads):
    n, d = x.shape; h = d // heads
    angle = np.arange(n)[:, None] * text["rope_theta"] ** (-np.arange(0, h, 2) / h)
    cos, sin = (np.tile(f(angle), 2)[:, None].astype(np.float32) for f in (np.cos, np.sin))
    x = x.reshape(n, heads, h); turned = np.concatenate([-x[..., h // 2:], x[..., :h // 2]], -1)
    return (x * cos + turned * sin).reshape(n, d)

def logits(x):
    n = len(x); mask = np.triu(np.full((n, n), -np.inf, np.float32), 1); heads = text["num_attention_heads"]
    for i in range(text["num_hidden_layers"]):
        l = f"language_model.model.layers.{i}."
        y = rms_norm(x, l + "input_layernorm")
        q, k, v = (linear(y, f"{l}self_attn.{n}_proj") for n in "qkv")
        x = x + linear(attention(rope(q, heads), rope(k, heads), v, heads, mask), l + "self_attn.o_proj")
        y = rms_norm(x, l + "post_attention_layernorm")
        g = linear(y, l + "mlp.gate_proj")
        x = x + linear(g / (1 + np.exp(-g)) * linear(y, l + "mlp.up_proj"), l + "mlp.down_proj")
    return linear(rms_norm(x[-1:], "language_model.model.norm"), "language_model.lm_head")[0]

embed = W["language_model.model.embed_tokens.weight"]
ours = {case["name"]: case for case in json.load(open(inspected))["cases"]}
cases, longest, closest = json.load(open(cases_file)), 40, 0.05
for case in cases["cases"]:
    our = ours[case["name"]]; images = iter(case["images"])
    x = np.vstack([image_rows(Image.open(f"{pictures}/{next(images)}").convert("RGB")) if id < 0 else embed[id:id + 1]
                   for id in our["text_ids"]])
    case["prompt_tokens"], case["text_ids"] = len(x), our["text_ids"]
    tokens, logprobs = [], []
    while len(tokens) < longest:
        z = logits(x); z = z - z.max(); best = int(z.argmax())
        if np.sort(z)[-2] > -closest:
            break  # Too near to call: resizes of other Pillow versions differ in the last bit.
        tokens.append(best); logprobs.append(round(float(-np.log(np.exp(z).sum())), 5))
        if best == text["eos_token_id"]:
            break
        x = np.vstack([x, embed[best:best + 1]])
    case["greedy"] = {"tokens": tokens, "logprobs": logprobs}
    print(case["name"], len(x), our["greedy"]["tokens"][:len(tokens)] == tokens or "DIFFERS", our["greedy"]["text"], file=sys.stderr)
json.dump(cases, open(cases_file, "w"), indent=None, separators=(",", ":"), ensure_ascii=False)
open(cases_file, "a").write("\n")
