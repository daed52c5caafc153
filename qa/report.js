// Printed, everything is open.
let shut = [];
addEventListener('beforeprint', () => {
  shut = [...document.querySelectorAll('details:not([open])')];
  for (const one of shut) one.open = true;
});
addEventListener('afterprint', () => { for (const one of shut) one.open = false; });

// Filters the table of questions by text, type and where it failed.
const filters = document.querySelector('.filters');
if (filters) {
  const rows = [...document.querySelectorAll('tbody[data-type]')];
  const value = (name) => filters.querySelector(`[name=${name}]`).value.toLowerCase();
  const filter = () => {
    let shown = 0;
    for (const row of rows) {
      row.hidden = !(row.textContent.toLowerCase().includes(value('text'))
        && (!value('type') || row.dataset.type.toLowerCase() === value('type'))
        && (!value('failure') || row.dataset.failure === value('failure')));
      shown += !row.hidden;
    }
    document.querySelector('#shown').textContent = `${shown} of ${rows.length}`;
  };
  filters.addEventListener('input', filter);
  filter();
}
