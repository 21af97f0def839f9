// Drives NiiVue as ipyniivue packs it: a widget that asks a model for its values.
import niivue from "./niivue.js";

const WINDOWS = [["Lung", -1350, 150], ["Soft tissue", -160, 240], ["Bone", -450, 1050], ["All", -1000, 3071]];
const LAYOUTS = [["Planes and 3D", 3], ["Axial", 0], ["Coronal", 1], ["Sagittal", 2], ["3D", 4]];

class Model {
  constructor(values, send = () => {}) { this.values = values; this.handlers = {}; this.send = send; this._comm_live = false; }
  get(name) { return this.values[name]; }
  set(name, value) { this.values[name] = value; }
  on(event, call) { (this.handlers[event] ??= []).push(call); }
  off(event, call) { this.handlers[event] = call ? (this.handlers[event] ?? []).filter((one) => one !== call) : []; }
  save_changes() {}
  send_sync_message() {}
  put(name, value) { this.set(name, value); this.fire(`change:${name}`); }
  fire(event, ...what) { for (const call of this.handlers[event] ?? []) call(...what); }
}

function volume(id, { file, name }, look) {
  return new Model({
    id, url: file, name: file, label: name, path: {}, data: null, paired_img_path: {}, paired_img_url: "",
    paired_img_data: null, colormap: "gray", opacity: 1, colorbar_visible: false, colormap_negative: "",
    colormap_label: null, colormap_type: 0, colormap_invert: false, frame_4d: 0, modulation_image: null,
    modulate_alpha: 0, ...look,
  });
}

function buttons(place, choices, choose) {
  const all = choices.map(([text, ...values]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.addEventListener("click", () => {
      for (const other of all) other.setAttribute("aria-pressed", String(other === button));
      choose(...values);
    });
    button.setAttribute("aria-pressed", "false");
    place.append(button);
    return button;
  });
  all[0].setAttribute("aria-pressed", "true");
}

function switches(place, masks, scene) {
  const opacity = document.getElementById("opacity");
  const shown = masks.map(() => true);
  const apply = () => masks.forEach((mask, n) => mask.put("opacity", shown[n] ? Number(opacity.value) : 0));
  scene.masks.forEach(({ name, swatch }, n) => {
    const label = document.createElement("label"), box = document.createElement("input");
    box.type = "checkbox";
    box.checked = true;
    box.style.accentColor = swatch;
    box.addEventListener("change", () => { shown[n] = box.checked; apply(); });
    label.append(box, ` ${name}`);
    place.append(label);
  });
  opacity.addEventListener("input", apply);
  place.hidden = masks.length === 0;
}

const scene = await (await fetch("scene.json")).json();
const place = document.getElementById("place");
document.title = `${scene.scan.name} - lungseg view`;
document.getElementById("name").textContent = scene.scan.name;
const [, low, high] = WINDOWS[0];
const scan = volume("scan", scene.scan, { cal_min: low, cal_max: high });
const masks = scene.masks.map((mask, n) =>
  volume(`mask-${n}`, mask, { colormap: mask.color, opacity: 0.5, cal_min: 0, cal_max: 1 }));
const models = Object.fromEntries([scan, ...masks].map((model) => [model.get("id"), model]));
const view = document.getElementById("view");
const widget = new Model({
  height: view.clientHeight, volumes: Object.keys(models).map((id) => `IPY_MODEL_${id}`), meshes: [],
  opts: { sliceType: 3, multiplanarShowRender: 1, backColor: [0.07, 0.07, 0.07, 1], isColorbar: false,
    isRadiologicalConvention: true, sagittalNoseLeft: true, dragAndDropEnabled: false, show3Dcrosshair: true, loadingText: "" },
  background_masks_overlays: 0, draw_lut: null, draw_opacity: 0.8, draw_fill_overwrites: true, graph: {},
  scene: {}, overlay_outline_width: 0, overlay_alpha_shader: 1, this_model_id: "",
}, ({ event, data }) => { if (event === "location_change") place.textContent = data.string; });
widget.widget_manager = { get_model: async (id) => models[id] };

buttons(document.getElementById("windows"), WINDOWS, (from, to) => { scan.put("cal_min", from); scan.put("cal_max", to); });
buttons(document.getElementById("layouts"), LAYOUTS, (kind) => {
  widget.put("opts", { ...widget.get("opts"), sliceType: kind });
  widget.fire("msg:custom", { type: "update_gl_volume", data: [] }, []);
});
switches(document.getElementById("masks"), masks, scene);
try {
  await niivue.initialize({ model: widget });
  await niivue.render({ model: widget, el: view });
  place.textContent = "Click into a plane for place and HU";
  document.body.dataset.shown = String(1 + masks.length);
} catch (error) {
  place.textContent = `The scan cannot be shown: ${error.message}`;
  throw error;
}
